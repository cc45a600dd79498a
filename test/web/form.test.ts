/*
 * form: no violation that axe-core knows of, in both themes; usable from 320 px on, by keyboard,
 * and without motion for who wants none.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openChat, say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play();
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** What fades in, or changes its colour, has come to rest. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
        .map((one) => one.finished),
    ),
  );
}

async function assertAccessible(page: Page, what: string): Promise<void> {
  if (await page.evaluate(() => !('axe' in window)))
    await page.evaluate(await readFile(AXE, 'utf8'));
  await settled(page);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: Violation[] }> };
    };
    return (await axe.run()).violations;
  });
  const told = violations.map(
    (one) => `${one.id}: ${one.nodes[0]?.target} ${one.nodes[0]?.failureSummary}`,
  );
  assert.deepEqual(told, [], what);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe-core finds nothing in the ${colorScheme} theme`, async () => {
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
