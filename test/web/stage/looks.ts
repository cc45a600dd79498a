/*
 * looks: a walk through every screen of the client, in one size and one theme.
 */
import type { Page } from 'playwright-core';
import { openChat, Stage } from './browser.ts';
import { Server } from './server.ts';
import { StoryTime } from './story_time.ts';
import { fill, MONDAY, THURSDAY, Town } from './town.ts';

/** A screen, and the theme of who sits before it. */
export interface Walk {
  name: string;
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
}

const SIZES = { desktop: [1280, 800], tablet: [820, 1180], phone: [390, 844] } as const;

export const WALKS: Walk[] = Object.entries(SIZES).flatMap(([name, [width, height]]) =>
  (['light', 'dark'] as const).map((colorScheme) => ({
    name: `${name}-${colorScheme}`,
    width,
    height,
    colorScheme,
  })),
);

interface Look extends Walk {
  stage: Stage;
  server: Server;
  time: StoryTime;
  town: Town;
}

export type Shoot = (name: string, picture: Buffer) => Promise<void>;
type Take = (name: string, page: Page) => Promise<void>;

const SIDE_BY_SIDE = 800;

async function freshPage(look: Look, user: string): Promise<Page> {
  const { stage, server, time, width, height, colorScheme } = look;
  const context = await stage.context({
    width,
    height,
    colorScheme,
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
  });
  await time.tell(context);
  // The demo knows two people; a picture may need another.
  await context.route('**/demo/login', async (route) => {
    const { device_id } = route.request().postDataJSON() as { device_id: string };
    await route.fulfill({ json: { token: await server.token(user, device_id) } });
  });
  return context.newPage();
}

async function enter(page: Page, user: string): Promise<void> {
  await page.addInitScript((name) => {
    const session = { user_id: name, device_id: `web-${name}`, kind: 'demo' };
    sessionStorage.setItem('twoticks.here', JSON.stringify(session));
  }, user);
  await page.goto('/');
  await page.getByRole('navigation', { name: 'Chats' }).waitFor();
}

async function back(look: Look, page: Page): Promise<void> {
  if (look.width < SIDE_BY_SIDE)
    await page.getByRole('link', { name: 'Back to the chats' }).click();
}

/** Walks through a town of its own. */
export async function walk(way: Walk, shoot: Shoot): Promise<void> {
  const server = await Server.start();
  const stage = await Stage.open(server.url);
  const time = new StoryTime(MONDAY);
  const town = new Town(server, time);
  try {
    await fill(town);
    await time.become(THURSDAY);
    await looks({ stage, server, time, town, ...way }, async (name, page) => {
      // Nothing is under the mouse, and nothing is on its way.
      await page.mouse.move(0, 0);
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      await shoot(name, await page.screenshot({ animations: 'disabled' }));
    });
  } finally {
    await town.close();
    await stage.close();
    await server.stop();
  }
}

async function looks(look: Look, take: Take): Promise<void> {
  const door = await freshPage(look, 'alice');
  await door.goto('/');
  await door.getByRole('button', { name: 'Continue as Alice' }).waitFor();
  await take('sign-in', door);
  await door.context().close();

  const page = await freshPage(look, 'alice');
  await enter(page, 'alice');
  await page.getByRole('link', { name: /^Bob/ }).getByText('where are you?').waitFor();
  await page.getByRole('link', { name: /^Book club/ }).waitFor();
  await take('list', page);
  if (look.width < SIDE_BY_SIDE) await dialogs(page, take);
  await openChat(page, 'Bob');
  await page.getByText(/^last seen today at/).waitFor();
  await take('chat', page);
  const mine = page.locator('.bubble-row.mine').last();
  await mine.getByRole('button', { name: 'Message info' }).click();
  await page.getByText('Why this tick').waitFor();
  await take('info', page);
  await page.keyboard.press('Escape');
  await back(look, page);

  await openChat(page, 'Weekend');
  await page.getByText('3 unread messages').waitFor();
  // They have been seen: only Erin's chat is left.
  await page.waitForFunction(() => document.title === '(1) Two Ticks');
  await take('group', page);
  await back(look, page);
  await openChat(page, 'Carol');
  await page.getByText('online', { exact: true }).waitFor();
  if (look.width >= SIDE_BY_SIDE) await drawer(page, take);
  await page.context().close();
}

async function dialogs(page: Page, take: Take): Promise<void> {
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByRole('dialog', { name: 'New chat' }).waitFor();
  await take('new', page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('dialog', { name: 'Settings' }).getByRole('checkbox').first().waitFor();
  await take('settings', page);
  await page.keyboard.press('Escape');
}

async function drawer(page: Page, take: Take): Promise<void> {
  await page.getByRole('button', { name: 'Developer drawer' }).click();
  await page.getByRole('complementary').waitFor();
  await page.getByRole('button', { name: 'Ticks' }).click();
  await page.getByRole('main').getByText('Thank you!').last().click();
  const shown = page.getByRole('complementary');
  await shown.getByText('stored', { exact: true }).waitFor();
  await shown.getByText('Why this tick').waitFor();
  await take('ticks', page);
}
