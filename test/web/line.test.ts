/*
 * line: the banner, being replaced, tabs, and the client without a line.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();

test('a banner says so after two seconds without a line, and goes by itself', async () => {
  const { stage, server } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const header = alice.locator('main header');
  await header
    .getByText(/online|last seen|^$/)
    .first()
    .waitFor({ state: 'attached' });
  await server.kill();
  const banner = alice.getByRole('status').getByText('Connecting…');
  await header.getByText('connecting…').waitFor();
  assert.equal(await banner.count(), 0, 'not at once');
  await banner.waitFor({ timeout: 4_000 });
  await server.again();
  await banner.waitFor({ state: 'detached', timeout: 35_000 });
  await alice.context().close();
});

test('it reconnects at once when the browser is online, or the tab is looked at', async () => {
  const { stage, server } = scene;
  const context = await stage.context();
  // Every wait is as long as it may be: half a second, one, two, four.
  await context.addInitScript(() => (Math.random = () => 0.999));
  const page = await context.newPage();
  let attempts = 0;
  page.on('websocket', () => attempts++);
  const alice = await stage.signIn(page, 'alice');
  await openChat(alice, 'Bob');
  const header = alice.locator('main header p');
  for (const [target, event] of [
    ['window', 'online'],
    ['document', 'visibilitychange'],
  ] as const) {
    await alice.waitForFunction(
      () => document.querySelector('main header p')?.textContent !== 'connecting…',
    );
    attempts = 0;
    await server.kill();
    while (attempts < 3) await page.waitForEvent('websocket');
    await server.again();
    assert.equal(await header.textContent(), 'connecting…');
    await alice.evaluate(
      ([target, event]) =>
        (target === 'window' ? window : document).dispatchEvent(new Event(event)),
      [target, event] as const,
    );
    await alice.waitForFunction(
      () => document.querySelector('main header p')?.textContent !== 'connecting…',
      undefined,
      { timeout: 2_500 },
    );
    assert.equal(attempts, 4, 'by one attempt');
  }
  await context.close();
});

test('the same device elsewhere: a sentence and a button, and no fight', async () => {
  const { stage, server } = scene;
  const alice = await stage.person('alice');
  await alice.getByRole('link', { name: /^Bob/ }).waitFor();
  const device = await alice.evaluate(
    () => (JSON.parse(sessionStorage.getItem('twoticks.here')!) as { device_id: string }).device_id,
  );
  const token = await server.token('alice', device);
  const rival = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, [
    'twoticks.v1',
    `bearer.${token}`,
  ]);
  const closed = new Promise<number>((resolve) => {
    rival.onclose = (event) => resolve(event.code);
  });
  await alice.getByText('This chat is open in another window.').waitFor();
  let sockets = 0;
  alice.on('websocket', () => sockets++);
  await alice.evaluate(() => {
    window.dispatchEvent(new Event('online'));
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.equal(rival.readyState, WebSocket.OPEN);
  assert.equal(sockets, 0, 'it does not come back by itself');
  await alice.getByRole('button', { name: 'Use it here' }).click();
  assert.equal(await closed, 4409);
  await alice.getByText('This chat is open in another window.').waitFor({ state: 'detached' });
  await alice.context().close();
});

test('two tabs are one device with one socket, which moves within a second', async () => {
  const { stage, talk } = scene;
  const context = await stage.context();
  let sockets = 0;
  context.on('page', (page) => page.on('websocket', () => sockets++));
  const first = await stage.signIn(await context.newPage(), 'alice');
  await openChat(first, 'Bob');
  await say(first, 'from the first');
  await first
    .getByRole('main')
    .getByRole('img', { name: /sent|delivered/ })
    .last()
    .waitFor();
  const second = await stage.signIn(await context.newPage(), 'alice');
  await openChat(second, 'Bob');
  await second.getByText('from the first', { exact: true }).first().waitFor();
  assert.equal(sockets, 1);
  await say(second, 'from the second');
  await first.getByRole('main').getByText('from the second', { exact: true }).waitFor();
  await first.close();
  const began = Date.now();
  await say(second, 'still here');
  await second.waitForFunction(
    () =>
      ![...document.querySelectorAll('main [role=img]')].some(
        (mark) => mark.getAttribute('aria-label') === 'sending',
      ),
  );
  assert.ok(Date.now() - began < 3_000, `the socket moved after ${Date.now() - began} ms`);
  assert.equal(sockets, 2);
  assert.equal((await talk.stored()).filter((one) => one.content === 'still here').length, 1);
  await context.close();
});

test('a chat that one tab leaves stays live in the other', async () => {
  const { stage } = scene;
  const context = await stage.context();
  const first = await stage.signIn(await context.newPage(), 'alice');
  const second = await stage.signIn(await context.newPage(), 'alice');
  for (const [leaver, stayer] of [
    [first, second],
    [second, first],
  ] as const) {
    await openChat(first, 'Bob');
    await openChat(second, 'Bob');
    await leaver.keyboard.press('Escape');
    await leaver.getByText('Choose a chat').waitFor();
    const bob = await stage.person('bob');
    await stayer.locator('main header').getByText('online', { exact: true }).waitFor();
    await bob.context().close();
    await stayer
      .locator('main header')
      .getByText(/^last seen today/)
      .waitFor();
    await stayer.keyboard.press('Escape');
  }
  await context.close();
});

test('without a line the stored chats can be read, even after closing the tab', async () => {
  const { stage, server, talk } = scene;
  await talk.say('bob', 'to be kept');
  const context = await stage.context();
  const page = await stage.signIn(await context.newPage(), 'alice');
  await openChat(page, 'Bob');
  await page.getByRole('main').getByText('to be kept').last().waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await server.kill();
  await page.close();
  const again = await context.newPage();
  await again.goto('/');
  await again.getByText('The server cannot be reached.').waitFor();
  await again.getByRole('button', { name: 'Continue as Alice' }).click();
  await openChat(again, 'Bob');
  await again.getByRole('main').getByText('to be kept').last().waitFor();
  assert.equal(await again.locator('main header p').textContent(), 'connecting…');
  await server.again();
  await context.close();
});
