/*
 * list: the conversations, their badges, the search, and the page's title.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();

test('one that somebody else starts appears by itself; the newest activity is first', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  const list = alice.getByRole('navigation', { name: 'Chats' });
  await list.getByRole('link', { name: /^Bob/ }).waitFor();
  const bob = await stage.person('bob');
  await bob.getByRole('link', { name: /^Alice/ }).waitFor();
  await bob.getByRole('button', { name: 'New chat' }).click();
  const dialog = bob.getByRole('dialog', { name: 'New chat' });
  await dialog.getByLabel('Who do you want to write to?').fill('alice, carol');
  await dialog.getByLabel('Name of the group').fill('Three of us');
  await dialog.getByRole('button', { name: 'Start' }).click();
  await bob.getByRole('textbox', { name: 'Message' }).waitFor();
  await list.getByRole('link', { name: /^Three of us/ }).waitFor();
  await say(bob, 'welcome, you two');
  await list.getByText('1 unread').waitFor({ state: 'attached' });
  const rows = () => list.getByRole('link').allTextContents();
  assert.match((await rows())[0]!, /^TThree of us|^TOThree of us|Three of us/);
  assert.match((await rows())[0]!, /Bob: .*welcome, you two/);
  await talk.say('bob', 'and here');
  await alice.waitForFunction(
    () => document.querySelector('nav a')?.textContent?.includes('and here') === true,
  );
  await alice.waitForFunction(() => document.title === '(2) Two Ticks');
  // With a badge it is drawn.
  await alice.locator('link[rel=icon][href^="data:image/png"]').waitFor({ state: 'attached' });

  // Search filters as one types; Ctrl+K goes there; arrows go through the rows.
  await alice.keyboard.press('Control+k');
  await alice.keyboard.type('three');
  await alice.waitForFunction(() => document.querySelectorAll('nav li').length === 1);
  await alice.keyboard.press('ArrowDown');
  await alice.keyboard.press('Enter');
  await alice.getByRole('main').getByText('welcome, you two').waitFor();
  await alice.waitForFunction(() => document.title === '(1) Two Ticks');
  assert.equal(await list.locator('a[aria-current=page]').count(), 1);
  await alice.context().close();
  await bob.context().close();
});

test('reading clears the badge on the other device too; own messages show ticks', async () => {
  const { stage, talk } = scene;
  const phone = await stage.person('alice', { width: 390, height: 800 });
  const desk = await stage.person('alice');
  await talk.say('bob', 'one more');
  const badge = phone.getByRole('link', { name: /^Bob/ }).getByText(/\d+ unread/);
  await badge.waitFor({ state: 'attached' });
  await openChat(desk, 'Bob');
  await badge.waitFor({ state: 'detached' });
  await say(desk, 'mine');
  await phone.getByRole('link', { name: /^Bob/ }).getByRole('img', { name: 'sent' }).waitFor();
  await phone.getByText('mine').waitFor();
  await phone.context().close();
  await desk.context().close();
});
