/*
 * form: usable from 320 px on, by keyboard, and without motion for who wants none.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './stage/axe.ts';
import { openChat } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();

for (const [width, height] of [
  [320, 568],
  [390, 844],
  [820, 1180],
  [1440, 900],
] as const) {
  test(`it fits a screen of ${width} by ${height}`, async () => {
    const { stage } = scene;
    const alice = await stage.person('alice', { width, height });
    const list = alice.getByRole('navigation', { name: 'Chats' });
    await list.getByRole('link', { name: /^Bob/ }).waitFor();
    const fits = () =>
      alice.evaluate(() => ({
        wide: document.documentElement.scrollWidth <= innerWidth,
        high: document.documentElement.scrollHeight <= innerHeight,
      }));
    assert.deepEqual(await fits(), { wide: true, high: true });
    await openChat(alice, 'Bob');
    assert.deepEqual(await fits(), { wide: true, high: true });
    const box = (await alice.getByRole('textbox', { name: 'Message' }).boundingBox())!;
    assert.ok(box.y + box.height <= height && box.width > 120);
    assert.equal(await list.isVisible(), width >= 800, 'side by side from 800 px on');
    if (width < 800) {
      await alice.getByRole('link', { name: 'Back to the chats' }).click();
      await list.waitFor();
    }
    await alice.context().close();
  });
}

test('everything by keyboard, and the focus is always to be seen', async () => {
  const { stage } = scene;
  const alice = await stage.person('alice');
  await alice.getByRole('link', { name: /^Bob/ }).waitFor();
  await alice.keyboard.press('Control+k');
  await alice.keyboard.press('ArrowDown');
  await alice.keyboard.press('Enter');
  const box = alice.getByRole('textbox', { name: 'Message' });
  await box.waitFor();
  await alice.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await alice.keyboard.type('by keyboard');
  await alice.keyboard.press('Enter');
  await alice.getByRole('main').getByText('by keyboard', { exact: true }).waitFor();
  await alice.getByRole('button', { name: 'Emoji' }).press('Enter');
  const choice = alice.getByRole('group', { name: 'Emoji' });
  await choice.waitFor();
  await alice.keyboard.press('Escape');
  await choice.waitFor({ state: 'detached' });
  assert.ok(await box.evaluate((one) => one === document.activeElement), 'back to writing');
  await alice.keyboard.press('Escape');
  await alice.getByText('Choose a chat').waitFor();
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    await alice.keyboard.press('Tab');
    await settled(alice);
    const focus = await alice.evaluate(() => {
      const element = document.activeElement!;
      const style = getComputedStyle(element);
      const isSeen = style.outlineStyle !== 'none' || style.borderTopColor !== 'rgba(0, 0, 0, 0)';
      return { name: element.getAttribute('aria-label') ?? element.textContent ?? '', isSeen };
    });
    seen.add(focus.name);
    assert.ok(focus.isSeen || focus.name === '', `the focus on "${focus.name}" cannot be seen`);
  }
  for (const name of ['Settings', 'New chat', 'Search chats', 'Developer drawer'])
    assert.ok(seen.has(name), `Tab never reached ${name}`);
  await alice.context().close();
});

test('nothing moves for who prefers that', async () => {
  const { stage } = scene;
  const context = await stage.context({ reducedMotion: 'reduce' });
  const alice = await stage.signIn(await context.newPage(), 'alice');
  await alice.getByRole('link', { name: /^Bob/ }).waitFor();
  await alice.getByRole('button', { name: 'New chat' }).click();
  const running = await alice.evaluate(() => document.getAnimations().length);
  assert.equal(running, 0);
  await context.close();
});

test('the words are in the language of the reader', async () => {
  const { stage, talk } = scene;
  const context = await stage.context({ locale: 'de-DE', timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByRole('button', { name: 'Weiter als Alice' }).click();
  await talk.say('bob', 'guten Tag');
  await page.getByRole('link', { name: /^Bob/ }).click();
  await page.getByRole('main').getByText('Heute').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  await context.close();
});
