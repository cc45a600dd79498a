/*
 * kill: the worst moments: the server dies with a message on its way, so that nobody knows whether
 * it was stored; the tab that holds the socket closes, or is reloaded, in that same moment. Nothing
 * is lost, nothing doubled, nothing out of order, and no tick says what is not so.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';
import { watchTicks } from './stage/tick_watch.ts';

const scene = play('--sends-per-second', '0');

/** Calls `then` as soon as the nth message from now on is on its way; a resent one counts too. */
function onNthSend(pages: Page[], nth: number, then: (page: Page) => Promise<unknown>) {
  let count = 0;
  return new Promise<void>((done, failed) => {
    for (const page of pages)
      page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => {
          if (!String(payload).includes('"type":"send"') || ++count !== nth) return;
          then(page).then(() => done(), failed);
        }),
      );
  });
}

/** Says each as fast as one can; a word is written once its bubble is there. */
async function sayAll(page: Page, words: string[]): Promise<void> {
  for (const word of words) {
    await say(page, word);
    await page.getByRole('main').getByText(word, { exact: true }).waitFor();
  }
}

async function allAreSent(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const marks = [...document.querySelectorAll('main [role=list] [role=img]')];
    return marks.length > 0 && marks.every((mark) => mark.getAttribute('aria-label') === 'sent');
  });
}

async function tab(context: BrowserContext): Promise<Page> {
  const page = await scene.stage.signIn(await context.newPage(), 'alice');
  await openChat(page, 'Bob');
  return page;
}

const numbered = (text: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${text} ${i + 1}`);

async function textsIn(page: Page): Promise<string[]> {
  return page.locator('main [data-seq] .text').allTextContents();
}

test('the server is killed four times with a message on its way', async () => {
  const { stage, server, talk } = scene;
  const context = await stage.context();
  const ticks = await watchTicks(context);
  const page = await context.newPage();
  // One after the other: the next may be due while the server is being started again.
  let dying = Promise.resolve();
  const killed = [3, 4, 9, 17].map((nth) =>
    onNthSend([page], nth, () => {
      dying = dying.then(() => server.kill()).then(() => server.again());
      return dying;
    }),
  );
  await stage.signIn(page, 'alice');
  await openChat(page, 'Bob');
  const words = numbered('in flight', 24);
  await sayAll(page, words);
  await Promise.all(killed);
  await allAreSent(page);
  assert.deepEqual(
    (await talk.stored()).map((one) => one.content),
    words,
  );
  assert.deepEqual(await textsIn(page), words);
  assert.deepEqual(ticks.wrongs, []);
  for (const word of words) assert.equal(ticks.highest.get(word), 'sent', `${word}: no false tick`);
  await context.close();
});

test('a reload with a message on its way, and a server that dies with it', async () => {
  const { stage, server, talk } = scene;
  const before = await talk.stored();
  const context = await stage.context();
  const ticks = await watchTicks(context);
  const page = await context.newPage();
  const reloaded = onNthSend([page], 6, async () => {
    await Promise.all([server.kill(), page.reload()]);
  });
  await stage.signIn(page, 'alice');
  await openChat(page, 'Bob');
  const words = numbered('before the reload', 5);
  await sayAll(page, words);
  await allAreSent(page);
  await say(page, 'on its way');
  await reloaded;
  await page.getByRole('main').getByText('on its way', { exact: true }).waitFor();
  await sayAll(page, ['without a server']);
  await server.again();
  await allAreSent(page);
  const all = [...words, 'on its way', 'without a server'];
  const stored = (await talk.stored()).slice(before.length).map((one) => one.content);
  assert.deepEqual(stored, all);
  assert.deepEqual((await textsIn(page)).slice(-all.length), all);
  assert.deepEqual(ticks.wrongs, []);
  await context.close();
});

test('three tabs write; the one with the socket closes in the middle of it, twice', async () => {
  const { stage, talk } = scene;
  const before = await talk.stored();
  const context = await stage.context();
  const ticks = await watchTicks(context);
  const pages = [await context.newPage(), await context.newPage(), await context.newPage()];
  const [first, second, third] = pages as [Page, Page, Page];
  const firstGone = onNthSend([first], 4, (page) => page.close());
  const secondGone = onNthSend([second], 4, (page) => page.close());
  for (const page of pages) {
    await stage.signIn(page, 'alice');
    await openChat(page, 'Bob');
  }
  const words: string[] = [];
  // All write; what the others write goes out through the first one's socket.
  for (const word of numbered('of three', 3)) {
    words.push(word);
    await sayAll([third, second, first][words.length % 3]!, [word]);
  }
  words.push('the first one closes');
  await say(second, 'the first one closes');
  await firstGone;
  await second.getByRole('main').getByText('the first one closes', { exact: true }).waitFor();
  for (const word of numbered('of two', 6)) {
    words.push(word);
    await sayAll(third, [word]);
  }
  await secondGone;
  words.push('alone');
  await sayAll(third, ['alone']);
  await allAreSent(third);
  const stored = (await talk.stored()).slice(before.length).map((one) => one.content);
  assert.deepEqual(stored, words);
  assert.deepEqual((await textsIn(third)).slice(-words.length), words);
  assert.deepEqual(ticks.wrongs, []);
  for (const word of words) assert.equal(ticks.highest.get(word), 'sent', `${word}: no false tick`);
  await (await tab(context)).getByText('alone', { exact: true }).first().waitFor();
  await context.close();
});
