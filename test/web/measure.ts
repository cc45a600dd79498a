/*
 * measure: how large the client is, how it loads on a slow phone, and how a long conversation
 * scrolls: the figures of docs/performance.md.
 *
 * usage: node test/web/measure.ts [sizes | load | scroll]...
 */
import { get } from 'node:http';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { openChat, Stage } from './stage/browser.ts';
import { Server } from './stage/server.ts';
import { Talk } from './stage/talk.ts';

const CONVERSATIONS = 200;
const MESSAGES = 10_000;
const ROUNDS = 5;
const STEP_PX = 200;
const STEPS_MAX = 6_000;
/** What Lighthouse calls a slow 4G line, and a mid-range phone. */
const SLOW_4G = {
  offline: false,
  latency: 150,
  downloadThroughput: 1.6e6 / 8,
  uploadThroughput: 750e3 / 8,
};
const CPU_SLOWER = 4;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function at(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

function ms(values: number[]): string {
  const [low, middle, high] = [0, 0.5, 1].map((part) => at(values, part).toFixed(0));
  return `${middle} ms (${low} to ${high}, ${values.length} times)`;
}

/** What goes over the line for a file in one form. */
function fetchRaw(url: string, encoding: string): Promise<{ body: Buffer; type: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': encoding } }, (answer) => {
      const parts: Buffer[] = [];
      if (answer.statusCode !== 200) reject(new Error(`${url}: ${answer.statusCode}`));
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () =>
        resolve({ body: Buffer.concat(parts), type: answer.headers['content-type'] ?? '' }),
      );
    }).on('error', reject);
  });
}

/** All files that the client is made of, found from its page as a browser finds them. */
async function filesOf(url: string): Promise<string[]> {
  const found = new Set(['/', '/worker.js']);
  for (const path of found) {
    const { body, type } = await fetchRaw(url + path, 'identity');
    if (!/html|manifest|css|javascript/.test(type)) continue;
    const pattern = /"(?:src|href)": ?"(\/?[^"]+)"|(?:src|href)="(\/[^"#]+)"|"(\/?assets\/[^"]+)"/g;
    for (const [, inManifest, inPage, inScript] of body.toString().matchAll(pattern)) {
      const name = inManifest ?? inPage ?? inScript!;
      found.add(name.startsWith('/') ? name : `/${name}`);
    }
  }
  return [...found];
}

async function measureSizes(server: Server): Promise<void> {
  const total = [0, 0, 0];
  say('file: plain, gzip, brotli bytes');
  for (const path of await filesOf(server.url)) {
    const sizes: number[] = [];
    for (const encoding of ['identity', 'gzip', 'br'])
      sizes.push((await fetchRaw(server.url + path, encoding)).body.length);
    sizes.forEach((size, i) => (total[i] = total[i]! + size));
    say(`  ${path}: ${sizes.join(', ')}`);
  }
  say(`  in all: ${total.join(', ')}`);
}

async function slow(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', SLOW_4G);
  await session.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWER });
  return session;
}

/** Many conversations of alice, each with a few messages. */
async function fill(server: Server): Promise<void> {
  const bob = await server.token('bob', 'bob-service');
  for (let n = 1; n < CONVERSATIONS; n++) {
    const { conversation_id: id } = await server.request<{ conversation_id: string }>(
      bob,
      'POST',
      '/conversation',
      { kind: 'group', title: `Team ${n}`, members: ['alice', 'bob', `user-${n}`] },
    );
    for (let k = 1; k <= 30; k++)
      await server.request(bob, 'POST', `/conversation/${id}/messages`, {
        client_id: `m-${k}`,
        content: `message ${k} of team ${n}, about as long as what people write to each other`,
      });
  }
}

/** Clicks, and waits until `count` elements are there: counted in the page, frame by frame. */
function clickUntil(page: Page, click: string, wanted: string, count: number): Promise<number> {
  return page.evaluate(
    async ([click, wanted, count]) => {
      const began = performance.now();
      document.querySelector<HTMLElement>(click)!.click();
      while (document.querySelectorAll(wanted).length < count)
        await new Promise((resolve) => requestAnimationFrame(resolve));
      return performance.now() - began;
    },
    [click, wanted, count] as const,
  );
}

interface Load {
  paint: number[];
  ready: number[];
  list: number[];
  open: number[];
  again: number[];
}

async function loadOnce(context: BrowserContext, load: Load): Promise<void> {
  const page = await context.newPage();
  await slow(page);
  await page.addInitScript(() => {
    const look = () => {
      if (document.querySelector('.sign-in-user, nav li')) performance.mark('ready');
      else requestAnimationFrame(look);
    };
    look();
  });
  const marked = async (name: string) => {
    await page.waitForFunction((name) => performance.getEntriesByName(name).length > 0, name);
    return page.evaluate((name) => performance.getEntriesByName(name)[0]!.startTime, name);
  };
  await page.goto('/');
  load.ready.push(await marked('ready'));
  load.paint.push(await marked('first-contentful-paint'));
  load.list.push(await clickUntil(page, '.sign-in-user', 'nav li a', CONVERSATIONS));
  const link = 'nav li:nth-child(20) a';
  load.open.push(await clickUntil(page, link, 'main [data-seq="30"]', 1));
  await page.goto('about:blank');
  await page.goto('/');
  load.again.push(await marked('ready'));
}

async function measureLoad(server: Server, stage: Stage): Promise<void> {
  await fill(server);
  const load: Load = { paint: [], ready: [], list: [], open: [], again: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const context = await stage.context({ width: 390, height: 844 });
    await loadOnce(context, load);
    await context.close();
  }
  say(`slow 4G (150 ms, 1.6 Mbit/s), CPU ${CPU_SLOWER} times slower, nothing in the cache:`);
  say(`  first paint: ${ms(load.paint)}`);
  say(`  sign-in can be used: ${ms(load.ready)}`);
  say(`  signed in, until ${CONVERSATIONS} conversations are shown: ${ms(load.list)}`);
  say(`  a conversation opened for the first time, until its messages show: ${ms(load.open)}`);
  say(`  loaded again, until the list shows: ${ms(load.again)}`);
}

interface State {
  nodes: number;
  heap: number;
}

async function stateOf(session: CDPSession): Promise<State> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name: string) => metrics.find((one) => one.name === name)?.value ?? NaN;
  return { nodes: value('Nodes'), heap: value('JSHeapUsedSize') };
}

function scrollAll(page: Page) {
  return page.evaluate(
    async ([step, steps]) => {
      const box = document.querySelector('.messages')!;
      const frames: number[] = [];
      const tasks: number[] = [];
      const observer = new PerformanceObserver((list) =>
        list.getEntries().forEach((entry) => tasks.push(entry.duration)),
      );
      observer.observe({ type: 'longtask' });
      let elements = 0;
      let last = performance.now();
      for (let i = 0; i < steps && !document.querySelector('[data-seq="1"]'); i++) {
        box.scrollTop -= step;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = performance.now();
        frames.push(now - last);
        last = now;
        elements = Math.max(elements, document.querySelectorAll('*').length);
      }
      observer.disconnect();
      const isThere = document.querySelector('[data-seq="1"]') !== null;
      return { frames, tasks, elements, isThere };
    },
    [STEP_PX, STEPS_MAX] as const,
  );
}

async function measureScroll(server: Server, stage: Stage): Promise<void> {
  const talk = await Talk.start(server);
  await talk.sayMany('bob', MESSAGES, 'a message like those that people write, number');
  const alice = await stage.person('alice');
  const session = await alice.context().newCDPSession(alice);
  await session.send('Performance.enable');
  await openChat(alice, 'Bob');
  await alice.getByRole('button', { name: 'Go to the latest message' }).click();
  await alice.locator(`[data-seq="${MESSAGES}"]`).waitFor();
  const before = await stateOf(session);
  const { frames, tasks, elements, isThere } = await scrollAll(alice);
  const after = await stateOf(session);
  say(`${MESSAGES} messages, scrolled from the last to the first, ${STEP_PX} px a frame:`);
  say(`  came to the first message: ${isThere}, in ${frames.length} frames`);
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((part) => at(frames, part).toFixed(1));
  say(`  frames: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms, longest ${max} ms`);
  const longest = Math.max(0, ...tasks).toFixed(0);
  say(`  tasks over 50 ms: ${tasks.length}, longest ${longest} ms`);
  say(`  elements in the page, at most: ${elements}`);
  for (const [when, state] of [
    ['before', before],
    ['after', after],
  ] as const)
    say(`  ${when}: heap ${(state.heap / 1e6).toFixed(1)} MB, ${state.nodes} DOM nodes`);
}

const wanted = process.argv.slice(2);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
const parts = { sizes: measureSizes, load: measureLoad, scroll: measureScroll };
for (const [name, measure] of Object.entries(parts)) {
  if (!isWanted(name)) continue;
  const server = await Server.start('--sends-per-second', '0', '--frames-per-second', '0');
  const stage = await Stage.open(server.url);
  await measure(server, stage).finally(async () => {
    await stage.close();
    await server.stop();
  });
  for (const wrong of new Set(stage.wrongs)) say(`wrong: ${wrong}`);
  if (stage.wrongs.length > 0) process.exitCode = 1;
}
