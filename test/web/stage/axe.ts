/*
 * axe: a page as axe-core judges it, once nothing moves any more.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** What fades in, or changes its colour, has come to rest. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
        .map((one) => one.finished),
    ),
  );
}

export async function assertAccessible(page: Page, what: string): Promise<void> {
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
