/*
 * people: alice and bob with a device each, of one or several tabs, behind a line that can fail;
 * and what they must never see.
 */
import 'fake-indexeddb/auto';
import { Client } from '../../src/client.ts';
import type { Message, Tick, Timeline } from '../../src/index.ts';
import { openIndexedDb } from '../../src/store_indexeddb.ts';
import { BrowserTabs } from '../../src/tabs.ts';
import type { Server } from '../../../../test/web/stage/server.ts';
import type { Proxy } from './proxy.ts';
import { Disk, WitnessStore } from './witness.ts';

export type Name = 'alice' | 'bob';

export const PATIENCE_MS = 10_000;
const RANK: Record<Tick, number> = { failed: -1, clock: 0, one: 1, two: 2, blue: 3 };
const TABS_MAX = 3;

/** Waits until `isSo`, looking whenever one of the clients says that something changed. */
export async function until(
  clients: readonly Client[],
  what: string,
  isSo: () => boolean,
): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`never: ${what}`)), PATIENCE_MS);
    const look = () => isSo() && finish();
    const offs = clients.flatMap((client) => [
      client.on('conversations', look),
      client.on('line', look),
      client.on('caught_up', look),
    ]);
    function finish(problem?: Error): void {
      clearTimeout(timer);
      for (const off of offs) off();
      if (problem) reject(problem);
      else resolve();
    }
  });
}

/** What was shown: ticks by their message's text, and cursors. None of it may ever go back. */
interface Shown {
  ranks: Map<string, number>;
  marks: Record<Mark, number>;
}

const MARKS = ['headSeq', 'myLastReadSeq', 'lastDeliveredSeq', 'lastReadSeq'] as const;
type Mark = (typeof MARKS)[number];

export interface Tab {
  client: Client;
  timeline: Timeline | null;
  shown: Shown;
}

/** One device of one person. Its disk outlives every tab. */
export class Person {
  readonly name: Name;
  readonly #server: Server;
  readonly #proxy: Proxy;
  readonly #database: string;
  /** By any tab: where a tab that opens has to begin. */
  readonly #shown: Shown = {
    ranks: new Map(),
    marks: { headSeq: 0, myLastReadSeq: 0, lastDeliveredSeq: 0, lastReadSeq: 0 },
  };
  readonly #contents = new Map<number, string>();
  readonly #clientIds = new Map<string, string>();
  readonly disk = new Disk();
  readonly written: string[] = [];
  readonly wrongs: string[] = [];
  /** How far this person has said to have seen the conversation. */
  asked = 0;
  other!: Person;
  tabs: Tab[] = [];
  conversation = '';

  constructor(name: Name, server: Server, proxy: Proxy, database: string) {
    this.name = name;
    this.#server = server;
    this.#proxy = proxy;
    this.#database = `${database} ${name}`;
  }

  get clients(): Client[] {
    return this.tabs.map((tab) => tab.client);
  }

  tab(which: number): Tab {
    return this.tabs[which % this.tabs.length]!;
  }

  async openTab(): Promise<void> {
    if (this.tabs.length >= TABS_MAX) return;
    const client = new Client({
      base: this.#proxy.url,
      userId: this.name,
      deviceId: `${this.name}-phone`,
      store: new WitnessStore(await openIndexedDb(this.#database), this.disk),
      tabs: new BrowserTabs(this.#database),
      provider: () => this.#server.token(this.name, `${this.name}-phone`),
    });
    const shown = { ranks: new Map(this.#shown.ranks), marks: { ...this.#shown.marks } };
    const tab: Tab = { client, timeline: null, shown };
    this.tabs.push(tab);
    client.traceFrames(true);
    client.on('frame', ({ frame }) => {
      if (frame.type === 'send') this.#sends(frame.content, frame.client_id);
    });
    const told = new Set<number>();
    client.on('message', ({ seq }) => {
      if (told.has(seq)) this.wrongs.push(`a tab was told twice of message ${seq}`);
      told.add(seq);
    });
    await client.start();
    if (this.conversation) await this.#look(tab);
  }

  /** As a closed window, or a browser that took the tab's memory away. */
  closeTab(which: number): void {
    const [tab] = this.tabs.splice(which % this.tabs.length, 1);
    tab?.client.close();
  }

  async reload(which: number): Promise<void> {
    this.closeTab(which);
    await this.openTab();
  }

  /** All tabs have the conversation on screen from now on. */
  async watch(conversation: string): Promise<void> {
    this.conversation = conversation;
    for (const tab of this.tabs) await this.#look(tab);
  }

  async #look(tab: Tab): Promise<void> {
    const timeline = tab.client.timeline(this.conversation);
    tab.timeline = timeline;
    timeline.on('change', () => this.#check(timeline.messages, tab));
    tab.client.on('conversation', () => this.#checkMarks(tab));
    this.#checkMarks(tab);
    await tab.client.open(this.conversation);
    await timeline.load().catch(() => undefined);
  }

  #sends(content: string, clientId: string): void {
    const known = this.#clientIds.get(content);
    if (known !== undefined && known !== clientId)
      this.wrongs.push(`${content} went out under two client_ids`);
    this.#clientIds.set(content, clientId);
  }

  #checkMarks({ client, shown }: Tab): void {
    const now = client.conversation(this.conversation);
    if (!now) return;
    for (const mark of MARKS) {
      if (now[mark] < shown.marks[mark])
        this.wrongs.push(`${mark} went back from ${shown.marks[mark]} to ${now[mark]}`);
      shown.marks[mark] = now[mark];
      this.#shown.marks[mark] = Math.max(this.#shown.marks[mark], now[mark]);
    }
  }

  #check(messages: readonly Message[], tab: Tab): void {
    const doubled = messages.filter((one, i) =>
      messages.slice(0, i).some((before) => before.content === one.content),
    );
    for (const one of doubled) this.wrongs.push(`${one.content} was shown twice`);
    for (const message of messages) {
      const { seq, content, tick } = message;
      if (seq !== null) this.#checkContent(seq, content);
      if (tick !== null) this.#checkTick(content, seq, tick, tab);
    }
  }

  #checkContent(seq: number, content: string): void {
    const known = this.#contents.get(seq);
    if (known !== undefined && known !== content)
      this.wrongs.push(`message ${seq} was "${known}" and is "${content}"`);
    this.#contents.set(seq, content);
  }

  #checkTick(content: string, seq: number | null, tick: Tick, { shown }: Tab): void {
    const rank = RANK[tick];
    if (tick === 'failed') this.wrongs.push(`${content} was refused`);
    if (rank < (shown.ranks.get(content) ?? 0))
      this.wrongs.push(`the tick of ${content} went back to ${tick}`);
    shown.ranks.set(content, rank);
    this.#shown.ranks.set(content, Math.max(rank, this.#shown.ranks.get(content) ?? 0));
    if (rank >= RANK.two && !this.other.disk.held.has(seq!))
      this.wrongs.push(`${content} has ${tick}, but is not on ${this.other.name}'s disk`);
    if (rank >= RANK.blue && this.other.asked < seq!)
      this.wrongs.push(`${content} is blue, but ${this.other.name} has not seen it`);
  }

  /** Every message that was ever shown, by its seq. */
  get shown(): ReadonlyMap<number, string> {
    return this.#contents;
  }

  async write(which: number, text: string): Promise<void> {
    this.written.push(text);
    await this.tab(which).client.queue(this.conversation, text);
  }

  readAll(which: number): void {
    const { client } = this.tab(which);
    const head = client.conversation(this.conversation)?.headSeq ?? 0;
    if (head === 0) return;
    this.asked = Math.max(this.asked, head);
    client.markRead(this.conversation, head);
  }

  reconnect(): void {
    for (const { client } of this.tabs) client.reconnect();
  }

  close(): void {
    while (this.tabs.length > 0) this.closeTab(0);
  }
}

/** What the server itself holds, asked past all clients. */
export async function stored(server: Server, conversation: string) {
  const token = await server.token('alice', 'judge');
  const all: { seq: number; sender: string; content: string }[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const page = await server.request<{ messages: typeof all }>(
      token,
      'GET',
      `/conversation/${conversation}?after=${after}&limit=200`,
    );
    if (page.messages.length === 0) return all;
    all.push(...page.messages);
  }
}
