/*
 * push: what is pushed becomes a notification, whose click opens the conversation; it is gone when
 * the conversation was read elsewhere. The push service itself is played: its subscription has the
 * right shape, and what it would bring is injected by the browser's debugging protocol.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { BrowserContext, Page, Worker } from 'playwright-core';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();

/** A browser's PushSubscription as JSON, as a push service would have made it. */
function subscriptionJson() {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const point = [Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')];
  return {
    endpoint: 'https://push.example/one',
    expirationTime: null,
    keys: {
      p256dh: Buffer.concat(point).toString('base64url'),
      auth: randomBytes(16).toString('base64url'),
    },
  };
}

/** What a page does with the push service and the permission, counted. */
interface Counts {
  asked: number;
  key: string | null;
}

async function withPush(context: BrowserContext, isAllowed: boolean): Promise<void> {
  await context.grantPermissions(['notifications']);
  const given = { json: subscriptionJson(), isAllowed };
  await context.addInitScript(({ json, isAllowed }) => {
    const counts: Counts = { asked: 0, key: null };
    (window as unknown as { counts: Counts }).counts = counts;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = async () => {
      counts.asked++;
      return ask();
    };
    // What is granted for the test is not decided yet for the page, until it asks.
    Object.defineProperty(Notification, 'permission', {
      get: () => (isAllowed || counts.asked > 0 ? 'granted' : 'default'),
    });
    PushManager.prototype.subscribe = async (options) => {
      counts.key = String(options?.applicationServerKey);
      return { toJSON: () => json, unsubscribe: async () => true } as unknown as PushSubscription;
    };
  }, given);
}

interface PushPlace {
  worker: Worker;
  deliver(data: unknown): Promise<void>;
}

/** The worker of that page, and a way to push to it. */
async function pushPlace(page: Page): Promise<PushPlace> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const session = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await registered;
  const worker = page.context().serviceWorkers()[0]!;
  return {
    worker,
    deliver: async (data) => {
      const origin = new URL(page.url()).origin;
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      await session.send('ServiceWorker.deliverPushMessage', {
        origin,
        registrationId,
        data: text,
      });
    },
  };
}

/** Waits until these notifications are shown, and no others. */
async function shown(worker: Worker, ...wanted: string[]): Promise<void> {
  await worker.evaluate(async (list) => {
    const scope = self as unknown as { registration: ServiceWorkerRegistration };
    for (let tries = 0; ; tries++) {
      // In turn with what shows them, as the client itself: who asks may make Chromium forget one.
      const all = await navigator.locks.request('twoticks-notifications', () =>
        scope.registration.getNotifications(),
      );
      const told = JSON.stringify(all.map((one) => `${one.title}: ${one.body}`).sort());
      if (told === JSON.stringify(list)) return;
      if (tries === 500) throw new Error(`not ${JSON.stringify(list)} but ${told}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }, wanted.sort());
}

async function clickOn(worker: Worker, tag: string): Promise<string[]> {
  return worker.evaluate(async (wanted) => {
    const scope = self as unknown as {
      registration: ServiceWorkerRegistration;
      clients: { openWindow(url: string): Promise<unknown> };
    };
    const opened: string[] = [];
    // Only a real click may open a window.
    scope.clients.openWindow = async (url) => void opened.push(url);
    const [notification] = await navigator.locks.request('twoticks-notifications', () =>
      scope.registration.getNotifications({ tag: wanted }),
    );
    const work: Promise<unknown>[] = [];
    const event = Object.assign(new Event('notificationclick'), {
      notification,
      waitUntil: (one: Promise<unknown>) => void work.push(one),
    });
    self.dispatchEvent(event);
    await Promise.all(work);
    return opened;
  }, tag);
}

test("nothing is asked for but by a click, which subscribes with the server's key", async () => {
  const { stage, server } = scene;
  const context = await stage.context();
  await withPush(context, false);
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await openChat(alice, 'Bob');
  await say(alice, 'nobody asked yet');
  await alice.getByRole('main').getByRole('img', { name: /sent/ }).last().waitFor();
  const counts = () =>
    alice.evaluate(() => ({ ...(window as unknown as { counts: Counts }).counts }));
  assert.deepEqual(await counts(), { asked: 0, key: null });

  await alice.getByRole('button', { name: 'Settings' }).click();
  const put = alice.waitForResponse(
    (answer) => answer.request().method() === 'PUT' && answer.url().endsWith('/push'),
  );
  await alice.getByRole('button', { name: 'Turn on' }).click();
  const answer = await put;
  assert.ok(answer.ok(), `the server took it: ${answer.status()}`);
  assert.equal((answer.request().postDataJSON() as { provider: string }).provider, 'webpush');
  await alice.getByText('They are on.').waitFor();
  const vapid = await fetch(`${server.url}/push/vapid`, {
    headers: { authorization: `Bearer ${await server.token('alice', 'judge')}` },
  });
  const { public_key } = (await vapid.json()) as { public_key: string };
  assert.deepEqual(await counts(), { asked: 1, key: public_key });
  await context.close();
});

test('a push is shown; a click opens the conversation; read elsewhere, it goes', async () => {
  const { stage, talk } = scene;
  const context = await stage.context();
  await withPush(context, true);
  let page = await stage.signIn(await context.newPage(), 'alice');
  await page.getByRole('link', { name: /^Bob/ }).waitFor();
  // A page without anybody that stays: the debugging protocol needs one.
  const keeper = await context.newPage();
  await keeper.goto('/');
  const place = await pushPlace(keeper);
  const push = (body: string, seq: number) =>
    place.deliver({
      type: 'message',
      conversation_id: talk.id,
      seq,
      title: 'Bob',
      body,
      badge: 1,
    });
  // The page hears of none of these pushes, and closes what is shown of a chat without news.
  await talk.say('bob', 'news');
  await shown(place.worker, 'Bob: news');
  await push('first', 1);
  await shown(place.worker, 'Bob: first');
  // One a chat: the newest.
  await push('second', 2);
  await push('third <b>& more</b>', 3);
  await shown(place.worker, 'Bob: third <b>& more</b>');
  await place.deliver({ type: 'message', conversation_id: 'other', title: 'Carol', body: 'hi' });
  await shown(place.worker, 'Bob: third <b>& more</b>', 'Carol: hi');
  await place.deliver('no JSON at all');
  await shown(place.worker, 'Bob: third <b>& more</b>', 'Carol: hi', 'Two Ticks: ');

  // With a page it is the page that goes there.
  assert.deepEqual(await clickOn(place.worker, talk.id), []);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  assert.equal(new URL(page.url()).hash, `#/c/${talk.id}`);
  await shown(place.worker, 'Carol: hi', 'Two Ticks: ');

  // Read on another device while this one has no page: gone when the client next runs.
  await page.goto('/');
  await page.getByText('Choose a chat').waitFor();
  await talk.say('bob', 'for the other device');
  await push('for the other device', 4);
  await shown(place.worker, 'Bob: for the other device', 'Carol: hi', 'Two Ticks: ');
  await page.close();
  const other = await stage.person('alice');
  await openChat(other, 'Bob');
  await other.waitForFunction(() => document.title === 'Two Ticks');
  page = await stage.signIn(await context.newPage(), 'alice');
  await shown(place.worker, 'Carol: hi', 'Two Ticks: ');

  // Without a page the click opens one, at the conversation.
  await page.close();
  await push('open me', 5);
  await shown(place.worker, 'Bob: open me', 'Carol: hi', 'Two Ticks: ');
  await keeper.close();
  const [opened] = await clickOn(place.worker, talk.id);
  assert.equal(opened, `/#/c/${talk.id}`);
  page = await context.newPage();
  await page.goto(opened!);
  await page.getByRole('button', { name: 'Continue as Alice' }).click();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  await other.context().close();
  await context.close();
});

test('who shows a notification waits for who looks for some, in page and worker', async () => {
  const { stage, talk } = scene;
  const context = await stage.context();
  await withPush(context, true);
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await alice.getByRole('link', { name: /^Bob/ }).waitFor();
  const { worker, deliver } = await pushPlace(alice);
  const look = await alice.evaluateHandle(
    () =>
      new Promise<{ end: () => void }>((resolve) => {
        void navigator.locks.request(
          'twoticks-notifications',
          () => new Promise<void>((end) => resolve({ end })),
        );
      }),
  );
  await talk.say('bob', 'in turn');
  await deliver({ type: 'message', title: 'Carol', body: 'in turn, too' });
  await alice.evaluate(async () => {
    for (let tries = 0; ; tries++) {
      const { pending = [] } = await navigator.locks.query();
      const waiting = pending.filter(({ name }) => name === 'twoticks-notifications');
      if (new Set(waiting.map(({ clientId }) => clientId)).size === 2) return;
      if (tries === 500) throw new Error(`of two, ${waiting.length} wait`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  await look.evaluate(({ end }) => end());
  await shown(worker, 'Bob: in turn', 'Carol: in turn, too');
  await context.close();
});

test('an open page that nobody looks at notifies by itself, unless the chat is muted', async () => {
  const { stage, talk } = scene;
  const context = await stage.context();
  await withPush(context, true);
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await alice.getByRole('link', { name: /^Bob/ }).waitFor();
  const { worker } = await pushPlace(alice);
  await talk.say('bob', 'look here');
  await shown(worker, 'Bob: look here');
  assert.equal(await alice.title(), '(1) Two Ticks');
  await openChat(alice, 'Bob');
  await shown(worker);
  await alice.waitForFunction(() => document.title === 'Two Ticks');
  await alice.locator('link[rel=icon][href="/icon.svg"]').waitFor({ state: 'attached' });

  await alice.getByRole('button', { name: 'Mute notifications' }).click();
  await alice.getByRole('button', { name: 'Mute notifications', pressed: true }).waitFor();
  await alice.keyboard.press('Escape');
  await alice.getByText('Choose a chat').waitFor();
  await talk.say('bob', 'not so loud');
  const row = alice.getByRole('link', { name: /^Bob/ });
  await row.getByText('1 unread').waitFor({ state: 'attached' });
  await row.getByText('muted').waitFor({ state: 'attached' });
  const colourOf = (selector: string) =>
    alice.locator(selector).evaluate((badge) => getComputedStyle(badge).backgroundColor);
  const muted = await colourOf('nav .badge');
  // A chat that is not muted is the fence: its notification comes, and the muted one's has not.
  const made = await scene.server.request<{ conversation_id: string }>(
    await scene.server.token('bob', 'bob-service'),
    'POST',
    '/conversation',
    { members: ['alice', 'bob'], kind: 'group', title: 'Loud' },
  );
  await scene.server.request(
    await scene.server.token('bob', 'bob-service'),
    'POST',
    `/conversation/${made.conversation_id}/messages`,
    { client_id: 'loud-1', content: 'hello' },
  );
  await shown(worker, 'Loud: hello');
  const loud = await colourOf('nav a:has(.row-name:text-is("Loud")) .badge');
  assert.notEqual(muted, loud, 'a muted badge has no colour');
  await openChat(alice, 'Bob');
  await alice.getByRole('button', { name: 'Mute notifications' }).click();
  await alice.getByRole('button', { name: 'Mute notifications', pressed: false }).waitFor();
  await context.close();
});
