/*
 * conversation: where it opens, how it scrolls, what it acks, drafts, and typing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play('--sends-per-second', '0', '--frames-per-second', '0');

/** Where a message is, from the upper edge of what is visible; null if it is not in the page. */
function topOf(page: Page, seq: number): Promise<number | null> {
  return page.evaluate((wanted) => {
    const box = document.querySelector('.messages')!.getBoundingClientRect();
    const row = document.querySelector(`[data-seq="${wanted}"]`)?.getBoundingClientRect();
    return row ? Math.round(row.top - box.top) : null;
  }, seq);
}

/** Scrolls as a wheel does, and waits until the screen has drawn it. */
async function scrollBy(page: Page, y: number): Promise<void> {
  await page.locator('.messages').hover();
  await page.mouse.wheel(0, y);
  await page.evaluate(
    () =>
      new Promise((resolve) =>
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(0))),
      ),
  );
}

async function isAtEnd(page: Page): Promise<boolean> {
  return page
    .locator('.messages')
    .evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 50);
}

test('it opens at the unread line, reads what is seen only, and goes to the end', async () => {
  const { stage, talk } = scene;
  await talk.sayMany('bob', 120, 'old');
  const alice = await stage.person('alice');
  await alice.getByText('120 unread').waitFor({ state: 'attached' });
  await openChat(alice, 'Bob');
  await alice.getByText('120 unread messages').waitFor();
  assert.ok(!(await isAtEnd(alice)), 'it opens where reading goes on');
  const first = (await topOf(alice, 1))!;
  assert.ok(first > 0 && first < 400, `the first unread message is on screen, at ${first}`);
  const read = async () => {
    const found = await talk.get<{ last_read_seq: number }>(
      'bob',
      `/conversation/${talk.id}?open=0`,
    );
    return found.last_read_seq;
  };
  const before = await read();
  assert.ok(before < 60, `what is below the screen is not read, but ${before} is`);
  await alice.getByRole('button', { name: 'Go to the latest message' }).click();
  await alice
    .getByText(/^old \d+$/)
    .last()
    .waitFor();
  await alice.waitForFunction(() => document.title === 'Two Ticks');
  assert.ok(await isAtEnd(alice));
  // The others open where the server says that reading goes on.
  while ((await read()) < 120);
  await alice.context().close();
});

test('a new message scrolls only who is at the end; others get a button with a count', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const at = await talk.say('bob', 'at the end');
  await alice.locator(`[data-seq="${at}"]`).waitFor();
  await alice.waitForFunction(() => {
    const box = document.querySelector('.messages')!;
    return box.scrollHeight - box.scrollTop - box.clientHeight < 50;
  });
  await scrollBy(alice, -2_000);
  const before = await alice.evaluate(() => {
    const top = document.querySelector('.messages')!.getBoundingClientRect().top;
    const rows = [...document.querySelectorAll('[data-seq]')];
    return Number(
      rows.find((row) => row.getBoundingClientRect().top >= top)!.getAttribute('data-seq'),
    );
  });
  const place = await topOf(alice, before);
  await talk.say('bob', 'news one');
  await talk.say('bob', 'news two');
  const button = alice.getByRole('button', { name: '2 new' });
  await button.waitFor();
  assert.equal(await topOf(alice, before), place, 'nothing moved');
  await button.click();
  await alice.getByText('news two', { exact: true }).last().waitFor();
  await button.waitFor({ state: 'detached' });
  assert.ok(await isAtEnd(alice));
  await alice.context().close();
});

test('who writes is at the end, wherever they read before', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const at = await talk.say('bob', 'the last one');
  await alice.locator(`[data-seq="${at}"]`).waitFor();
  await scrollBy(alice, -2_500);
  await alice.getByRole('button', { name: 'Go to the latest message' }).waitFor();
  await say(alice, 'from far above');
  await alice
    .getByRole('button', { name: 'Go to the latest message' })
    .waitFor({ state: 'detached' });
  await alice.getByRole('main').getByText('from far above').last().waitFor();
  assert.ok(await isAtEnd(alice));
  await alice.context().close();
});

test('what this device cannot keep stays in the field, and says so', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  await alice.evaluate(() => {
    const real = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = () => {
      IDBObjectStore.prototype.add = real;
      throw new DOMException('the disk is full', 'QuotaExceededError');
    };
  });
  await say(alice, 'not to be lost');
  await alice.getByRole('alert').getByText('not sent').waitFor();
  const box = alice.getByRole('textbox', { name: 'Message' });
  assert.equal(await box.inputValue(), 'not to be lost');
  await box.press('Enter');
  await alice.getByRole('main').getByText('not to be lost').last().waitFor();
  await alice.getByRole('alert').waitFor({ state: 'detached' });
  while ((await talk.stored()).at(-1)!.content !== 'not to be lost');
  assert.equal(await box.inputValue(), '');
  await alice.context().close();
});

test('older history comes on scrolling up, without a jump', async () => {
  const { stage, talk } = scene;
  // A browser that has nothing stored.
  const context = await stage.context();
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await openChat(alice, 'Bob');
  const total = (await talk.stored()).length;
  await alice.locator(`[data-seq="${total}"]`).waitFor();
  for (let i = 0; i < 80 && (await topOf(alice, 1)) === null; i++) {
    const anchor = await alice.evaluate(() => {
      const box = document.querySelector('.messages')!;
      const rows = [...box.querySelectorAll<HTMLElement>('[data-seq]')];
      const row = rows.find((one) => one.offsetTop >= box.scrollTop)!;
      return { seq: Number(row.dataset['seq']), top: row.offsetTop - box.scrollTop };
    });
    await scrollBy(alice, -300);
    const now = await topOf(alice, anchor.seq);
    const moved = now === null ? null : now - anchor.top;
    // By what was scrolled (less at the very top), never by the height of what was put in front.
    assert.ok(moved !== null && moved >= -2 && moved <= 310, `it jumped by ${moved}`);
  }
  assert.notEqual(await topOf(alice, 1), null, 'the first message is there');
  await context.close();
});

test('a draft survives switching and a reload; Enter sends, Shift+Enter breaks', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const box = alice.getByRole('textbox', { name: 'Message' });
  await box.fill('first');
  await box.press('Shift+Enter');
  await box.pressSequentially('second');
  await alice.keyboard.press('Escape');
  await alice.getByText('Choose a chat').waitFor();
  await openChat(alice, 'Bob');
  assert.equal(await box.inputValue(), 'first\nsecond');
  await alice.reload();
  await box.waitFor();
  assert.equal(await box.inputValue(), 'first\nsecond');
  await box.press('Enter');
  while ((await talk.stored()).at(-1)!.content !== 'first\nsecond');
  assert.equal(await box.inputValue(), '');
  await box.evaluate((element) => {
    const data = new DataTransfer();
    data.setData('text/plain', 'pasted\n\nlines');
    element.focus();
    document.execCommand('insertText', false, data.getData('text/plain'));
  });
  assert.equal(await box.inputValue(), 'pasted\n\nlines', 'paste keeps line breaks');
  await alice.context().close();
});

test('typing shows at once and goes with the message, or after five seconds', async () => {
  const { stage } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  const header = alice.locator('main header');
  await header.getByText('online').waitFor();
  const box = bob.getByRole('textbox', { name: 'Message' });
  await box.pressSequentially('x');
  await header.getByText('typing…').waitFor({ timeout: 1_000 });
  await box.press('Enter');
  await header.getByText('online').waitFor({ timeout: 2_000 });
  await box.pressSequentially('y');
  await header.getByText('typing…').waitFor({ timeout: 1_000 });
  const began = Date.now();
  await header.getByText('online').waitFor({ timeout: 8_000 });
  assert.ok(Date.now() - began > 3_500 && Date.now() - began < 7_000);
  await bob.context().close();
  await alice.context().close();
});

test('a tab that is not looked at delivers and does not read', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  // What document.hasFocus says is the browser's; here nobody looks.
  await alice.evaluate(() => {
    Object.defineProperty(document, 'hasFocus', { value: () => false, configurable: true });
  });
  const seq = await talk.say('bob', 'are you there?');
  await alice.locator(`[data-seq="${seq}"]`).waitFor();
  await alice.getByRole('navigation').getByText('1 unread').waitFor({ state: 'attached' });
  const found = await talk.get<{ last_delivered_seq: number; last_read_seq: number }>(
    'bob',
    `/conversation/${talk.id}?open=0`,
  );
  assert.equal(found.last_delivered_seq, seq);
  assert.equal(found.last_read_seq, seq - 1);
  await alice.evaluate(() => {
    Object.defineProperty(document, 'hasFocus', { value: () => true, configurable: true });
    window.dispatchEvent(new Event('focus'));
  });
  await alice.waitForFunction(() => document.title === 'Two Ticks');
  await alice.context().close();
});

test('ten thousand messages: bounded page, and it scrolls at the rate of the screen', async (t) => {
  const { stage, talk } = scene;
  await talk.sayMany('bob', 10_000, 'many');
  const alice = await stage.person('alice');
  await alice.getByText('999+').waitFor();
  await openChat(alice, 'Bob');
  await alice.getByRole('button', { name: 'Go to the latest message' }).click();
  await alice.waitForFunction(() => document.title === 'Two Ticks');
  const nodes = () => alice.locator('[data-seq]').count();
  const frames = await alice.evaluate(async () => {
    const box = document.querySelector('.messages')!;
    const times: number[] = [];
    let last = performance.now();
    for (let i = 0; i < 300; i++) {
      box.scrollTop -= 400;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  const median = frames[frames.length >> 1]!;
  const p95 = frames[Math.floor(frames.length * 0.95)]!;
  t.diagnostic(`frames: median ${median.toFixed(1)} ms, 95 % ${p95.toFixed(1)} ms`);
  assert.ok(median < 34, `a frame took ${median} ms`);
  assert.ok((await nodes()) <= 400, `${await nodes()} messages in the page`);
  const heap = await alice.evaluate(
    () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
  );
  t.diagnostic(`heap: ${(heap / 1e6).toFixed(1)} MB`);
  assert.ok(heap < 60e6);
  const session = await alice.context().newCDPSession(alice);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const held = metrics.find((one) => one.name === 'Nodes')!.value;
  t.diagnostic(`DOM nodes that are held, those that left the page too: ${held}`);
  assert.ok(held < 15_000, `${held} nodes are held`);
  await say(alice, 'and one more');
  await alice.getByText('and one more', { exact: true }).last().waitFor();
  await alice.context().close();
});
