/*
 * axe: no violation that axe-core knows of, in both themes, on every screen.
 */
import { test } from 'node:test';
import { assertAccessible } from './stage/axe.ts';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play('--accounts', 'open', '--password-memory', '1048576', '--sends-per-second', '0');

for (const colorScheme of ['light', 'dark'] as const) {
  test(`nothing on a desk in the ${colorScheme} theme`, async () => {
    const { stage, talk } = scene;
    const start = await (await stage.context({ colorScheme })).newPage();
    await start.goto('/');
    await start.getByRole('button', { name: 'Continue as Alice' }).waitFor();
    await assertAccessible(start, 'sign-in');
    const alice = await stage.signIn(start, 'alice');
    await alice.getByRole('link', { name: /^Bob/ }).waitFor();
    await assertAccessible(alice, 'list');
    await talk.say('bob', 'hello https://example.org 😀');
    await talk.say('bob', '👍');
    await openChat(alice, 'Bob');
    await say(alice, 'one');
    await say(alice, 'x'.repeat(70_000));
    await alice.getByRole('main').getByRole('img', { name: 'not sent' }).waitFor();
    await assertAccessible(alice, 'chat');
    await alice.getByRole('button', { name: 'Delete' }).click();
    await alice.getByRole('button', { name: 'Emoji' }).click();
    await assertAccessible(alice, 'emoji');
    await alice.getByRole('main').locator('.mine').last().hover();
    await alice.getByRole('main').getByRole('button', { name: 'Message info' }).last().click();
    const info = alice.getByRole('dialog', { name: 'Message info' });
    await info.getByText('Why this tick').waitFor();
    await assertAccessible(alice, 'message info');
    await alice.keyboard.press('Escape');
    await info.waitFor({ state: 'detached' });
    for (const name of ['New chat', 'Settings']) {
      await alice.getByRole('button', { name }).click();
      await alice.getByRole('dialog', { name }).waitFor();
      await assertAccessible(alice, name);
      await alice.keyboard.press('Escape');
    }
    await alice.getByRole('button', { name: 'Developer drawer' }).click();
    await say(alice, 'two');
    await alice.getByRole('complementary').getByText('sent', { exact: true }).first().waitFor();
    await assertAccessible(alice, 'frames');
    await alice.getByRole('button', { name: 'Ticks' }).click();
    await alice.getByRole('main').getByText('one', { exact: true }).last().click();
    await alice.getByRole('complementary').getByText('stored', { exact: true }).waitFor();
    await assertAccessible(alice, 'ticks');
    await alice.context().close();
  });
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`nothing on a phone in the ${colorScheme} theme`, async () => {
    const { stage, talk, server } = scene;
    const context = await stage.context({ colorScheme, width: 390, height: 844, hasTouch: true });
    const alice = await context.newPage();
    await alice.goto('/');
    await alice.getByRole('button', { name: 'I have no account yet' }).click();
    await assertAccessible(alice, 'registration');
    await talk.sayMany('bob', 60, `unread in ${colorScheme}`);
    await server.request(await server.token('bob', 'bob-service'), 'POST', '/conversation', {
      kind: 'group',
      title: `Team of ${colorScheme}`,
      members: ['alice', 'bob', 'carol'],
    });
    await stage.signIn(alice, 'alice');
    await alice.getByRole('link', { name: new RegExp(`Team of ${colorScheme}$`) }).waitFor();
    await alice
      .getByRole('link', { name: /^Bob/ })
      .getByText(/unread/)
      .last()
      .waitFor();
    await assertAccessible(alice, 'list with a badge and a group');
    await alice.getByRole('searchbox').fill('nobody of this name');
    await alice.waitForFunction(() => document.querySelectorAll('nav li a').length === 0);
    await assertAccessible(alice, 'nothing found');
    await alice.getByRole('searchbox').fill('');
    await openChat(alice, 'Bob');
    await alice.getByText(/^\d+ unread messages$/).waitFor();
    await alice.getByRole('button', { name: 'Go to the latest message' }).waitFor();
    await assertAccessible(alice, 'unread line');
    await alice.getByRole('link', { name: 'Back to the chats' }).click();
    await alice.getByRole('button', { name: 'New chat' }).click();
    await alice.getByLabel('Who do you want to write to?').fill('bob, carol');
    await alice.getByLabel('Name of the group').waitFor();
    await assertAccessible(alice, 'new group');
    await context.setOffline(true);
    await alice.keyboard.press('Escape');
    await server.kill();
    await alice.locator('.banner').waitFor();
    await assertAccessible(alice, 'no line');
    await server.again();
    await context.close();
  });
}
