/*
 * pictures: makes the pictures of the README and the docs from the real client and the real server:
 * every screen that is worth showing, and the first source document as an animation.
 *
 * usage: pictures.ts FOLDER [film | WALK]...     (tool/screenshots calls it; all without a name)
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openChat, say, Stage } from './stage/browser.ts';
import { walk, WALKS } from './stage/looks.ts';
import { Server } from './stage/server.ts';
import { StoryTime } from './stage/story_time.ts';

const folder = process.argv[2]!;
const wanted = process.argv.slice(3);

function isWanted(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

async function walkAll(): Promise<void> {
  for (const way of WALKS.filter((one) => isWanted(one.name))) {
    await walk(way, (look, picture) => writeFile(join(folder, `${way.name}-${look}.png`), picture));
    console.log(way.name);
  }
}

const STORY: [string, string, string][] = [
  ['2024-01-15T09:12:00Z', 'Monday 09:12 – Bob’s phone is dead', 'hey'],
  ['2024-01-15T18:30:00Z', 'Monday 18:30', 'where are you?'],
  ['2024-01-16T08:05:00Z', 'Tuesday 08:05', 'hello??'],
  ['2024-01-16T21:47:00Z', 'Tuesday 21:47', 'is everything okay?'],
  ['2024-01-17T12:20:00Z', 'Wednesday 12:20', 'call me when you can'],
];

class Film {
  #frame = 0;
  readonly #alice: Page;
  readonly #bob: Page;

  constructor(alice: Page, bob: Page) {
    this.#alice = alice;
    this.#bob = bob;
  }

  /** One picture of both windows; it stays for so many hundredths of a second. */
  async shoot(hundredths: number, caption: string): Promise<void> {
    const name = String(this.#frame++).padStart(2, '0');
    await this.#alice.screenshot({ path: join(folder, 'film', `${name}-alice.png`) });
    await this.#bob.screenshot({ path: join(folder, 'film', `${name}-bob.png`) });
    console.log(`frame\t${name}\t${hundredths}\t${caption}`);
  }
}

const DEAD = `<style>
  body { margin: 0; height: 100vh; background: #101214; color: #8b9299; display: grid;
    place-content: center; justify-items: center; gap: 18px;
    font: 500 17px system-ui, "Noto Sans", sans-serif; }
  i { width: 58px; height: 104px; border: 3px solid #3c4248; border-radius: 14px; }
</style><i></i>Bob’s phone is off`;

async function ticks(page: Page, tick: string): Promise<void> {
  await page.waitForFunction((wanted) => {
    const marks = [...document.querySelectorAll('main [role=list] [role=img]')];
    return marks.length > 0 && marks.every((one) => one.getAttribute('aria-label') === wanted);
  }, tick);
}

async function film(): Promise<void> {
  const server = await Server.start();
  const stage = await Stage.open(server.url);
  const time = new StoryTime('2024-01-15T09:11:00Z');
  const size = {
    width: 400,
    height: 640,
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
  } as const;
  const hers = await stage.context(size);
  const his = await stage.context(size);
  await time.tell(hers);
  await time.tell(his);
  const alice = await stage.signIn(await hers.newPage(), 'alice');
  await openChat(alice, 'Bob');
  const bob = await stage.signIn(await his.newPage(), 'bob');
  await bob.getByRole('link', { name: /Alice/ }).waitFor();
  await bob.goto('about:blank');
  await bob.setContent(DEAD);
  await alice.getByText(/^last seen/).waitFor();
  const shown = new Film(alice, bob);
  for (const [at, caption, text] of STORY) {
    await time.become(at);
    await say(alice, text);
    await alice.getByRole('main').getByText(text, { exact: true }).waitFor();
    await ticks(alice, 'sent');
    await shown.shoot(110, caption);
  }
  await time.become('2024-01-18T07:30:00Z');
  // Whoever looks at a window again sees which day it is.
  await alice.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await shown.shoot(120, 'Thursday 07:30 – still one tick each: stored, and no more');
  await bob.goto('/');
  await bob.getByRole('link', { name: /5 unread/ }).waitFor();
  await ticks(alice, 'delivered');
  await shown.shoot(220, 'Thursday 07:30 – Bob’s phone is on: all five are there');
  await time.become('2024-01-18T07:31:00Z');
  await openChat(bob, 'Alice');
  await ticks(alice, 'read');
  await shown.shoot(260, 'Thursday 07:31 – Bob has opened the chat: read');
  await stage.close();
  await server.stop();
}

await mkdir(join(folder, 'film'), { recursive: true });
if (isWanted('film')) await film();
await walkAll();
