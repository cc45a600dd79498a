/*
 * looks: a walk through every screen of the client, in one size and one theme.
 */
import type { Page } from 'playwright-core';
import { openChat, type Stage } from './browser.ts';
import type { Server } from './server.ts';
import type { StoryTime } from './story_time.ts';
import type { Town } from './town.ts';

export interface Look {
  stage: Stage;
  server: Server;
  time: StoryTime;
  town: Town;
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
}

export type Shoot = (name: string, page: Page) => Promise<void>;

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

export async function looks(look: Look, shoot: Shoot): Promise<void> {
  const door = await freshPage(look, 'alice');
  await door.goto('/');
  await door.getByRole('button', { name: 'Continue as Alice' }).waitFor();
  await shoot('sign-in', door);
  await door.context().close();

  const page = await freshPage(look, 'alice');
  await enter(page, 'alice');
  await page.getByRole('link', { name: /^Bob/ }).getByText('where are you?').waitFor();
  await shoot('list', page);
  await openChat(page, 'Bob');
  await page.getByText(/^last seen today at/).waitFor();
  await shoot('chat', page);
  const mine = page.locator('.bubble-row.mine').last();
  await mine.getByRole('button', { name: 'Message info' }).click();
  await page.getByText('Why this tick').waitFor();
  await shoot('info', page);
  await page.keyboard.press('Escape');
  await back(look, page);

  await openChat(page, 'Weekend');
  await page.getByText('3 unread messages').waitFor();
  await shoot('group', page);
  await back(look, page);
  await openChat(page, 'Carol');
  await page.getByText('online', { exact: true }).waitFor();
  if (look.width >= SIDE_BY_SIDE) await drawer(page, shoot);
  await page.context().close();
}

async function drawer(page: Page, shoot: Shoot): Promise<void> {
  await page.getByRole('button', { name: 'Developer drawer' }).click();
  await page.getByRole('complementary').waitFor();
  await page.getByRole('button', { name: 'Ticks' }).click();
  await page.getByRole('main').getByText('Thank you!').last().click();
  await page.getByRole('complementary').getByText('stored', { exact: true }).waitFor();
  await shoot('ticks', page);
}
