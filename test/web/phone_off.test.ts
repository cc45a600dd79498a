/*
 * phone_off: the first source document, seen: Bob's phone is dead, Alice writes five messages; his
 * phone comes back, and her ticks turn, all five at once, each time.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, say, Stage, ticksOf } from './stage/browser.ts';
import { Server } from './stage/server.ts';

const MESSAGES = [
  'hey',
  'where are you?',
  'hello??',
  'is everything okay?',
  'call me when you can',
];

let server: Server;
let stage: Stage;
before(async () => {
  server = await Server.start();
  stage = await Stage.open(server.url);
});
after(async () => {
  await stage?.close();
  await server?.stop();
});

/** Notes what the ticks are in every frame of the screen and when it is asked, unless as before. */
async function watchTicks(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = [];
    const look = () => {
      const marks = [...document.querySelectorAll('main [role=list] [role=img]')];
      const now = marks.map((mark) => mark.getAttribute('aria-label')).join(' ');
      if (seen.at(-1) !== now) seen.push(now);
      return seen;
    };
    const lookAgain = () => {
      look();
      requestAnimationFrame(lookAgain);
    };
    lookAgain();
    (window as unknown as { seenTicks: () => string[] }).seenTicks = look;
  });
  return () =>
    page.evaluate(() => (window as unknown as { seenTicks: () => string[] }).seenTicks());
}

function five(tick: string): string {
  return MESSAGES.map(() => tick).join(' ');
}

async function waitForTicks(page: Page, ticks: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll('main [role=list] [role=img]')]
        .map((mark) => mark.getAttribute('aria-label'))
        .join(' ') === wanted,
    ticks,
  );
}

test('three days without a phone, then two ticks, then blue: all five at once', async () => {
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  // Bob was there once, so that his phone is known; then its battery dies.
  const phone = await stage.context();
  const first = await stage.signIn(await phone.newPage(), 'bob');
  await first.getByRole('link', { name: /Alice/ }).waitFor();
  await first.close();

  for (const [i, message] of MESSAGES.entries()) {
    await say(alice, message);
    await waitForTicks(
      alice,
      MESSAGES.slice(0, i + 1)
        .map(() => 'sent')
        .join(' '),
    );
    if (i === 1) {
      // A day passes; the server is killed in it, and nobody notices.
      await server.kill();
      await server.again();
    }
  }
  assert.deepEqual(
    await ticksOf(alice),
    MESSAGES.map(() => 'sent'),
  );
  const seen = await watchTicks(alice);

  // Day 3: the phone is on, and the app is opened, but not yet the chat.
  const bob = await phone.newPage();
  await bob.goto('/');
  await stage.signIn(bob, 'bob');
  await waitForTicks(alice, five('delivered'));
  await bob.getByRole('link', { name: /5 unread/ }).waitFor();
  assert.equal(await bob.title(), '(1) Two Ticks');

  await openChat(bob, 'Alice');
  await waitForTicks(alice, five('read'));
  assert.deepEqual(await seen(), [five('sent'), five('delivered'), five('read')]);
  for (const message of MESSAGES)
    await bob.getByRole('main').getByText(message, { exact: true }).waitFor();
  await bob.getByText('5 unread messages').waitFor();
  assert.deepEqual(await ticksOf(bob), [], "other people's messages carry no ticks");
  await bob.waitForFunction(() => document.title === 'Two Ticks');

  // A reload shows the same.
  await alice.reload();
  await waitForTicks(alice, five('read'));
  assert.deepEqual(stage.wrongs, []);
});
