/*
 * ticks: clock, one, two, blue, not sent; through a dead line, a reload and a killed server.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChat, say, ticksOf } from './stage/browser.ts';
import { play } from './stage/play.ts';
import { watchTicks } from './stage/tick_watch.ts';

const scene = play();

test('offline, messages wait with a clock, survive a reload, go out once, in order', async () => {
  const { stage, server, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  await say(alice, 'zero');
  await alice.getByRole('main').getByRole('img', { name: 'sent' }).first().waitFor();
  await server.kill();
  for (const text of ['one', 'two', 'three']) await say(alice, text);
  await alice.getByRole('main').getByRole('img', { name: 'sending' }).nth(2).waitFor();
  assert.deepEqual(await ticksOf(alice), ['sent', 'sending', 'sending', 'sending']);
  await alice.reload();
  await alice.getByRole('main').getByRole('img', { name: 'sending' }).nth(2).waitFor();
  assert.deepEqual(await ticksOf(alice), ['sent', 'sending', 'sending', 'sending']);
  await server.again();
  await alice.getByRole('main').getByRole('img', { name: 'sent' }).nth(3).waitFor();
  assert.deepEqual(
    (await talk.stored()).map((one) => one.content),
    ['zero', 'one', 'two', 'three'],
  );
  await alice.context().close();
});

test('a refused message says so, with the reason; it can be tried again and deleted', async () => {
  const { stage } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  await say(alice, 'x'.repeat(70_000));
  await alice.getByRole('main').getByRole('img', { name: 'not sent' }).waitFor();
  const reason = alice.locator('.refusal');
  assert.match((await reason.textContent()) ?? '', /not sent: .*(large|long|bytes)/i);
  await say(alice, 'behind it');
  await alice.getByText('behind it').first().waitFor();
  await alice.getByRole('button', { name: 'Try again' }).click();
  await alice.getByRole('main').getByRole('img', { name: 'not sent' }).waitFor();
  await alice.getByRole('button', { name: 'Delete' }).click();
  await reason.waitFor({ state: 'detached' });
  assert.ok(!(await ticksOf(alice)).includes('not sent'));
  await alice.context().close();
});

test('message info has the times, "-" where not yet, and the reason of the tick', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const last = alice.locator('[data-seq]').last();
  await last.hover();
  const button = last.getByRole('button', { name: 'Message info' });
  await button.click();
  const dialog = alice.getByRole('dialog', { name: 'Message info' });
  await dialog.getByText('Bob').first().waitFor();
  assert.deepEqual(await dialog.getByRole('definition').allTextContents(), ['-', '-']);
  const stored = await talk.stored();
  const why = await talk.get<{ text: string }>(
    'alice',
    `/conversation/${talk.id}/messages/${stored.at(-1)!.seq}/why`,
  );
  assert.equal(await dialog.locator('.why').textContent(), why.text);

  // Bob reads it: the open dialog learns of it.
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  await dialog.getByRole('img', { name: 'read' }).waitFor();
  for (const time of await dialog.getByRole('definition').allTextContents())
    assert.match(time, /\d\d:\d\d:\d\d/);
  await alice.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.ok(
    await button.evaluate((element) => element === document.activeElement),
    'the focus is back',
  );
  await bob.context().close();
  await alice.context().close();
});

test('the server is killed while one types, sends, reloads, opens a second tab', async () => {
  const { stage, server, talk } = scene;
  const before = (await talk.stored()).length;
  const context = await stage.context();
  const ticks = await watchTicks(context);
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await openChat(alice, 'Bob');
  const words = Array.from({ length: 12 }, (_, i) => `word ${i}`);
  for (const [i, word] of words.entries()) {
    if (i === 3) void server.kill();
    await say(alice, word);
    if (i === 5) {
      await alice.getByText('word 5', { exact: true }).first().waitFor();
      await alice.reload();
      await alice.getByRole('textbox', { name: 'Message' }).waitFor();
    }
    if (i === 7) await server.again();
  }
  await alice.getByRole('textbox', { name: 'Message' }).fill('half a wor');
  const second = await context.newPage();
  await stage.signIn(second, 'alice');
  await openChat(second, 'Bob');
  await alice.getByText('word 11', { exact: true }).first().waitFor();
  await alice.close();
  await second.waitForFunction(
    () =>
      ![...document.querySelectorAll('main [role=img]')].some(
        (mark) => mark.getAttribute('aria-label') === 'sending',
      ),
  );
  assert.deepEqual(
    (await talk.stored()).slice(before).map((one) => one.content),
    words,
  );
  await second.reload();
  await second.getByText('word 11', { exact: true }).first().waitFor();
  assert.equal(await second.getByRole('textbox', { name: 'Message' }).inputValue(), 'half a wor');
  const shown = await second.locator('main [data-seq] .text').allTextContents();
  assert.deepEqual(shown.slice(-12), words);
  assert.deepEqual(ticks.wrongs, [], 'no tick went back');
  for (const word of words)
    assert.equal(ticks.highest.get(word), 'sent', 'Bob has none of it, and no tick says so');

  // Bob comes, and goes with the server in the middle of it: true ticks again, all of them.
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  await bob.getByText('word 11', { exact: true }).first().waitFor();
  await server.kill();
  await say(second, 'one more');
  await server.again();
  await second.waitForFunction(() => {
    const marks = [...document.querySelectorAll('main [role=list] [role=img]')];
    return marks.every((mark) => mark.getAttribute('aria-label') === 'read');
  });
  await bob.getByText('one more', { exact: true }).first().waitFor();
  assert.deepEqual(ticks.wrongs, [], 'no tick went back');
  assert.deepEqual(
    (await talk.stored()).slice(before).map((one) => one.content),
    [...words, 'one more'],
  );
  await bob.context().close();
  await context.close();
});
