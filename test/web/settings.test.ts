/*
 * settings: what one can choose, the developer's drawer, and what a screen reader hears.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();

test('dark and light follow the system, and can be set for good', async () => {
  const { stage } = scene;
  const alice = await stage.person('alice', { colorScheme: 'dark' });
  const ground = () =>
    alice.evaluate(() => {
      const [red = 0, green = 0, blue = 0] = (
        getComputedStyle(document.body).backgroundColor.match(/\d+(\.\d+)?/g) ?? []
      ).map(Number);
      return (red + green + blue) / 3 < 100 ? 'dark' : 'light';
    });
  assert.equal(await ground(), 'dark');
  await alice.emulateMedia({ colorScheme: 'light' });
  assert.equal(await ground(), 'light');
  await alice.getByRole('button', { name: 'Settings' }).click();
  await alice.getByRole('radio', { name: 'Dark' }).check();
  assert.equal(await ground(), 'dark');
  await alice.reload();
  await alice.getByRole('navigation', { name: 'Chats' }).waitFor();
  assert.equal(await ground(), 'dark');
  await alice.context().close();
});

test('who does not share when they were last seen shows nothing, and is shown none', async () => {
  const { stage, server } = scene;
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const headOf = (page: typeof bob) => page.locator('main header p');
  await headOf(bob).getByText('online').waitFor();
  await alice.getByRole('button', { name: 'Settings' }).click();
  const share = alice.getByRole('checkbox', { name: /Show others when I was last seen/ });
  const preview = alice.getByRole('checkbox', { name: /Show the text of messages/ });
  assert.ok((await share.isChecked()) && (await preview.isChecked()));
  for (const box of [share, preview]) {
    const put = alice.waitForResponse((answer) => answer.request().method() === 'PUT');
    await box.click();
    assert.ok((await put).ok());
  }
  const me = await server.request<{ share_last_seen: string; push_preview: boolean }>(
    await server.token('alice', 'judge'),
    'GET',
    '/me',
  );
  assert.deepEqual([me.share_last_seen, me.push_preview], ['nobody', false]);
  await alice.reload();
  await alice.getByRole('textbox', { name: 'Message' }).waitFor();
  await bob.keyboard.press('Escape');
  await openChat(bob, 'Alice');
  await alice.waitForFunction(
    () => document.querySelector('main header p')?.textContent?.trim() === '',
  );
  await bob.waitForFunction(
    () => document.querySelector('main header p')?.textContent?.trim() === '',
  );
  await server.request(await server.token('alice', 'judge'), 'PUT', '/me', {
    share_last_seen: 'everyone',
  });
  await alice.context().close();
  await bob.context().close();
});

test("the developer's drawer: frames as they pass; a message's way, and why", async () => {
  const { stage } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  await alice.getByRole('button', { name: 'Developer drawer' }).click();
  const drawer = alice.getByRole('complementary', { name: 'Developer drawer' });
  await say(alice, 'watch me');
  await drawer.getByText('send', { exact: true }).waitFor();
  const sent = drawer.locator('details', { has: alice.getByText('sent', { exact: true }) }).last();
  await sent.locator('summary').click();
  assert.match((await sent.locator('pre').textContent())!, /"type": "sent",\s+"client_id": "/);
  await drawer.getByRole('button', { name: 'Ticks' }).click();
  await alice.getByRole('main').getByText('watch me', { exact: true }).click();
  await drawer.getByText('stored', { exact: true }).waitFor();
  await drawer.getByText('Why this tick').waitFor();
  assert.match((await drawer.locator('.why').textContent())!, /.{15,}/);
  assert.equal(await drawer.getByText('read', { exact: true }).count(), 0);
  const bob = await stage.person('bob');
  await openChat(bob, 'Alice');
  await drawer.getByText('read', { exact: true }).first().waitFor();
  await drawer.getByText('delivered', { exact: true }).first().waitFor();
  await drawer.getByRole('button', { name: 'Close' }).click();
  await drawer.waitFor({ state: 'detached' });
  await bob.context().close();
  await alice.context().close();
});

test('a new message is announced politely; an own one is not', async () => {
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const heard = alice.locator('main [aria-live=polite]');
  assert.equal(await heard.textContent(), '');
  await talk.say('bob', 'do you hear me?');
  await heard.getByText('Bob: do you hear me?').waitFor({ state: 'attached' });
  await say(alice, 'I do');
  await alice
    .getByRole('main')
    .getByRole('img', { name: /sent|delivered|read/ })
    .last()
    .waitFor();
  assert.equal(await heard.textContent(), 'Bob: do you hear me?');
  await alice.context().close();
});
