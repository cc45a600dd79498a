/*
 * text: whatever somebody writes stays text, and stays in its bubble.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTACKS, briefly, census } from './stage/attack.ts';
import { openChat } from './stage/browser.ts';
import { play } from './stage/play.ts';

const scene = play('--sends-per-second', '0');

/** The client shows so many letters of a message until it is asked for more. */
const SHORT_MAX = 1_800;
const TITLE_MAX = 1_024;

/** What the sentence of `why` leaves out of a name: controls, and what turns text around. */
const POWERS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

test("attacks as somebody's displayed name: in why a tick is what it is", async () => {
  const { stage, server, talk } = scene;
  const bob = await server.token('bob', 'bob-service');
  await talk.say('bob', 'before');
  const seq = await talk.say('alice', 'why?');
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const row = alice.locator(`[data-seq="${seq}"]`);
  await row.waitFor();
  const before = await census(alice);
  const names = ATTACKS.filter((name) => Buffer.byteLength(JSON.stringify(name)) <= TITLE_MAX);
  for (const display_name of names) {
    await server.request(bob, 'PUT', '/me', { display_name });
    await row.locator('.bubble-info').evaluate((button: HTMLElement) => button.click());
    const why = alice.locator('dialog .why');
    await why.waitFor();
    const name = briefly(display_name);
    assert.ok((await why.textContent())!.includes(display_name.replace(POWERS, '')), name);
    assert.equal(await why.locator('*').count(), 0, name);
    await alice.keyboard.press('Escape');
    await why.waitFor({ state: 'detached' });
  }
  await server.request(bob, 'PUT', '/me', { display_name: null });
  assert.deepEqual(await census(alice), before);
  await alice.context().close();
});

test(`${ATTACKS.length} attacks as messages change nothing but their bubble`, async () => {
  assert.equal(ATTACKS.length, 100);
  const { stage, talk } = scene;
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const before = await census(alice);
  const seqs: number[] = [];
  for (const text of ATTACKS) {
    const seq = await talk.say('bob', text);
    seqs.push(seq);
    const row = alice.locator(`[data-seq="${seq}"]`);
    await row.waitFor();
    if (text.length > SHORT_MAX) await row.getByRole('button', { name: 'Read more' }).click();
    const found = await row.evaluate((element) => {
      const text = element.querySelector('.text')!;
      const list = element.closest('.messages')!.getBoundingClientRect();
      const box = element.querySelector('.bubble')!.getBoundingClientRect();
      return {
        text: text.textContent,
        elements: [...text.querySelectorAll('*')].map((one) => one.tagName),
        inside: box.left >= list.left && box.right <= list.right,
        wide: document.documentElement.scrollWidth > innerWidth,
      };
    });
    const name = briefly(text);
    assert.equal(found.text, text, name);
    assert.ok(
      found.elements.every((tag) => tag === 'A'),
      `${name} became ${found.elements}`,
    );
    assert.ok(found.inside && !found.wide, `${name} leaves its bubble`);
  }
  for (const link of await alice.locator('main .text a').all()) {
    assert.match((await link.getAttribute('href')) ?? '', /^https?:\/\//);
  }
  assert.deepEqual(await census(alice), before);
  // And as they are read from what the browser stored.
  await alice.reload();
  await alice.locator(`[data-seq="${seqs.at(-1)}"]`).waitFor();
  const shown = await alice
    .locator('[data-seq] .text')
    .evaluateAll((all) => all.map((one) => one.textContent));
  const newest = ATTACKS.slice(-shown.length);
  assert.ok(shown.length >= 40);
  for (const [i, text] of newest.entries())
    if (text.length <= SHORT_MAX) assert.equal(shown[i], text, briefly(text));
  assert.deepEqual(await census(alice), before);
  assert.match(await alice.title(), /Two Ticks$/);
  assert.equal(await alice.evaluate(() => (({}) as { polluted?: boolean }).polluted), undefined);
  await alice.context().close();
});

test('attacks as titles of groups: in the list, the header and the search', async () => {
  const { stage, server } = scene;
  const bob = await server.token('bob', 'bob-service');
  const alice = await stage.person('alice');
  await alice.getByRole('link', { name: /Bob/ }).first().waitFor();
  const before = await census(alice);
  const titles = ATTACKS.filter((title) => Buffer.byteLength(JSON.stringify(title)) <= TITLE_MAX);
  assert.ok(titles.length >= 80);
  const groups = new Map<string, string>();
  for (const title of titles) {
    const made = await server.request<{ conversation_id: string }>(bob, 'POST', '/conversation', {
      kind: 'group',
      title,
      members: ['alice', 'bob'],
    });
    groups.set(made.conversation_id, title);
  }
  await alice.waitForFunction(
    (count) => document.querySelectorAll('nav li').length > count,
    titles.length,
  );
  const rows = await alice.locator('nav li a').evaluateAll((all) =>
    all.map((one) => ({
      id: one.getAttribute('href')!.split('/').at(-1)!,
      title: one.querySelector('.row-name')!.textContent,
      elements: one.querySelectorAll('.row-name *, .avatar *').length,
    })),
  );
  for (const [id, title] of groups) {
    const row = rows.find((one) => decodeURIComponent(one.id) === id);
    assert.deepEqual([row?.title, row?.elements], [title, 0], briefly(title));
  }
  for (const [id, title] of groups) {
    await alice.locator(`nav a[href$="${encodeURIComponent(id)}"]`).click();
    const head = alice.locator('main h1');
    await alice.waitForFunction(
      (wanted) => document.querySelector('main h1')?.textContent === wanted,
      title,
    );
    assert.equal(await head.locator('*').count(), 1, 'only its isolation');
    assert.equal(
      await alice.getByRole('region').getAttribute('aria-label'),
      `Messages with ${title}`,
    );
    assert.ok(await alice.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
  await alice.keyboard.press('Escape');
  await alice.getByText('Choose a chat').waitFor();
  assert.deepEqual(await census(alice), before);
  await alice.context().close();
});

test('attacks as the name of a user: refused, and shown as text by the form', async () => {
  const { stage, server } = scene;
  const bob = await server.token('bob', 'bob-service');
  const names = ATTACKS.filter((name) => !/^[\w.:@-]{1,64}$/.test(name));
  assert.ok(names.length >= 90);
  for (const name of names) {
    const members = ['bob', name];
    await assert.rejects(
      server.request(bob, 'POST', '/conversation', { members }),
      /: 400 .*invalid_argument/s,
      briefly(name),
    );
  }
  const alice = await stage.person('alice');
  await alice.getByRole('button', { name: 'New chat' }).first().click();
  const before = await census(alice);
  const field = alice.getByLabel('Who do you want to write to?');
  await field.fill('<img/src=x/onerror=alert(1)>');
  await alice.getByRole('button', { name: 'Start' }).click();
  await alice.getByRole('alert').waitFor();
  assert.deepEqual(await census(alice), before);
  // What the browser itself says of a refused request is what was wanted here.
  const { wrongs } = stage;
  assert.equal(wrongs.length, 1, `${wrongs}`);
  assert.match(wrongs.pop()!, /responded with a status of 400/);
  await alice.context().close();
});

test('web addresses become links that know nothing of this page', async () => {
  const { stage, talk } = scene;
  const seq = await talk.say('bob', 'see https://example.org/a?b=1&c=(2), and http://x.example.');
  const alice = await stage.person('alice');
  await openChat(alice, 'Bob');
  const links = alice.locator(`[data-seq="${seq}"] a`);
  await links.first().waitFor();
  assert.deepEqual(await links.evaluateAll((all) => all.map((one) => one.getAttribute('href'))), [
    'https://example.org/a?b=1&c=(2)',
    'http://x.example',
  ]);
  for (const link of await links.all()) {
    assert.equal(await link.getAttribute('target'), '_blank');
    assert.match((await link.getAttribute('rel')) ?? '', /noopener/);
  }
  await alice.context().close();
});
