/*
 * accounts: registering, signing in and out with the server's own accounts, in the browser.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { say } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play('--accounts', 'open', '--password-memory', '1048576', '--register-tries', '0');
const PASSWORD = 'correct horse battery';

async function fill(page: Page, user: string, password: string, button: string): Promise<void> {
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: button, exact: true }).click();
}

async function register(page: Page, user: string): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: 'I have no account yet' }).click();
  await fill(page, user, PASSWORD, 'Create account');
  await page.getByRole('navigation', { name: 'Chats' }).waitFor();
}

/** A refused request is told to the console by the browser itself; it is what was wanted here. */
function expectRefusals(status: number, count: number): void {
  const { wrongs } = scene.stage;
  const refusals = wrongs.filter((one) => one.includes(`responded with a status of ${status}`));
  assert.equal(refusals.length, count, `${wrongs}`);
  wrongs.splice(0, wrongs.length, ...wrongs.filter((one) => !refusals.includes(one)));
}

test('who registers is in, stays in over a reload, in every tab, and talks', async () => {
  const { stage } = scene;
  const context = await stage.context();
  const carol = await context.newPage();
  await register(carol, 'carol');
  const dave = await (await stage.context()).newPage();
  await register(dave, 'dave');

  await carol.getByRole('button', { name: 'New chat' }).first().click();
  await carol.getByLabel('Who do you want to write to?').fill('dave');
  await carol.getByRole('button', { name: 'Start' }).click();
  await carol.getByRole('textbox', { name: 'Message' }).waitFor();
  await say(carol, 'hello Dave');
  await dave.getByRole('link', { name: /^Carol/ }).click();
  await dave.getByRole('main').getByText('hello Dave', { exact: true }).waitFor();
  await carol.getByRole('main').getByRole('img', { name: 'read' }).waitFor();

  await carol.reload();
  await carol.getByRole('main').getByText('hello Dave', { exact: true }).waitFor();
  const second = await context.newPage();
  await second.goto('/');
  await second.getByRole('link', { name: /^Dave/ }).waitFor();

  // What signs in is out of reach for scripts, and no token is kept where they could read it.
  const kept = await carol.evaluate(() =>
    [document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage)].join(' '),
  );
  assert.doesNotMatch(kept, /eyJ|twoticks_session/);
  const cookies = await context.cookies();
  const cookie = cookies.find((one) => one.name === 'twoticks_session')!;
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict');

  await carol.getByRole('textbox', { name: 'Message' }).fill('nobody reads this later');
  // Signing out ends it in both tabs, here and on the server, and leaves nothing stored.
  await carol.getByRole('button', { name: 'Settings' }).click();
  await carol.getByRole('button', { name: 'Sign out (Carol)' }).click();
  await carol.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  await second.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  const stored = await carol.evaluate(async () => {
    let count = 0;
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name!);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error as Error);
      });
      for (const table of database.objectStoreNames)
        count += await new Promise<number>((resolve) => {
          const request = database.transaction(table).objectStore(table).count();
          request.onsuccess = () => resolve(request.result);
        });
      database.close();
    }
    return count;
  });
  assert.equal(stored, 0);
  const left = await carol.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.doesNotMatch(left, /carol|nobody reads/);
  const answer = await fetch(`${scene.server.url}/me`, {
    headers: { cookie: `twoticks_session=${cookie.value}` },
  });
  assert.equal(answer.status, 401, 'the cookie is worth nothing any more');
  await carol.reload();
  await carol.getByRole('button', { name: 'Sign in', exact: true }).waitFor();

  await fill(carol, 'carol', PASSWORD, 'Sign in');
  await carol.getByRole('link', { name: /^Dave/ }).click();
  await carol.getByRole('main').getByText('hello Dave', { exact: true }).waitFor();
  await context.close();
  await dave.context().close();
});

test('what is wrong is said, and tried again', async () => {
  const { stage } = scene;
  const page = await (await stage.context()).newPage();
  await register(page, 'erin');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out (Erin)' }).click();
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  await fill(page, 'erin', 'not this one', 'Sign in');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match((await alert.textContent())!, /^That did not work: .{10,}/);
  expectRefusals(401, 1);
  await page.getByRole('button', { name: 'I have no account yet' }).click();
  assert.equal(await alert.count(), 0);
  await fill(page, 'erin', PASSWORD, 'Create account');
  await alert.getByText(/taken/).waitFor();
  expectRefusals(409, 1);
  await fill(page, 'frank', 'short', 'Create account');
  await alert.getByText(/8/).waitFor();
  expectRefusals(400, 1);
  await page.getByRole('button', { name: 'I have an account' }).click();
  await fill(page, 'erin', PASSWORD, 'Sign in');
  await page.getByRole('navigation', { name: 'Chats' }).waitFor();
  await page.context().close();
});

test("another's sign-in in the same browser mixes nothing: the first window is out", async () => {
  const { stage } = scene;
  const context = await stage.context();
  const grace = await context.newPage();
  await register(grace, 'grace');
  const heidi = await context.newPage();
  // The browser's account is Grace's; Heidi signs in as herself in a window of her own.
  await heidi.goto('/');
  await heidi.getByRole('heading', { name: 'Grace' }).waitFor();
  const made = await heidi.evaluate(
    async (password) =>
      (
        await fetch('/register', {
          method: 'POST',
          body: JSON.stringify({ user_id: 'heidi', password, device_id: 'web-heidi' }),
        })
      ).status,
    PASSWORD,
  );
  assert.equal(made, 201);
  await grace.reload();
  await grace.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  await context.close();
});
