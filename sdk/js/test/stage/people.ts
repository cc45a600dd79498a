/*
 * people: alice and bob with a device each, behind a line that can fail, and what they must see.
 */
import assert from 'node:assert/strict';
import { type Client, connect, MemoryStore, type Timeline, type Tick } from '../../src/index.ts';
import type { Server } from '../../../../test/web/stage/server.ts';
import { Proxy } from './proxy.ts';

export type Name = 'alice' | 'bob';

export const PATIENCE_MS = 30_000;
const RANK: Record<Tick, number> = { failed: -1, clock: 0, one: 1, two: 2, blue: 3 };

/** Waits until `isSo`, looking whenever the client says that something changed. */
export async function until(client: Client, what: string, isSo: () => boolean): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`never: ${what}`)), PATIENCE_MS);
    const look = () => isSo() && finish();
    const offs = [
      client.on('conversations', look),
      client.on('line', look),
      client.on('presence', look),
      client.on('message', look),
      client.on('caught_up', look),
    ];
    function finish(problem?: Error): void {
      clearTimeout(timer);
      for (const off of offs) off();
      if (problem) reject(problem);
      else resolve();
    }
  });
}

/** One device: its store survives what its app does not. */
export class Person {
  readonly name: Name;
  readonly #server: Server;
  readonly #proxy: Proxy;
  readonly #store = new MemoryStore();
  readonly #ranks = new Map<string, number>();
  readonly written: string[] = [];
  client!: Client;
  timeline!: Timeline;
  conversation = '';

  private constructor(name: Name, server: Server, proxy: Proxy) {
    this.name = name;
    this.#server = server;
    this.#proxy = proxy;
  }

  static async make(name: Name, server: Server, proxy: Proxy): Promise<Person> {
    const person = new Person(name, server, proxy);
    await person.#connect();
    return person;
  }

  async #connect(): Promise<void> {
    this.client = await connect({
      url: this.#proxy.url,
      userId: this.name,
      deviceId: `${this.name}-phone`,
      store: this.#store,
      token: () => this.#server.token(this.name, `${this.name}-phone`),
    });
  }

  /** Looks at the conversation from now on; each tick that goes back fails the test. */
  async watch(conversation: string): Promise<void> {
    this.conversation = conversation;
    this.timeline = this.client.timeline(conversation);
    this.timeline.on('change', () => this.#check());
    await this.timeline.load().catch(() => undefined);
  }

  #check(): void {
    for (const message of this.timeline.messages) {
      if (message.tick === null) continue;
      const key = message.clientId ?? message.key;
      const rank = RANK[message.tick];
      assert.ok(rank >= (this.#ranks.get(key) ?? 0), `a tick went back to ${message.tick}`);
      this.#ranks.set(key, rank);
    }
  }

  async write(text: string): Promise<void> {
    this.written.push(text);
    await this.client.queue(this.conversation, text);
  }

  /** The app is closed and opened again. */
  async reload(): Promise<void> {
    // What is stored outlives the client, so the store must not be closed with it: memory is not.
    this.client.close();
    await this.#connect();
    await this.watch(this.conversation);
  }

  readAll(): void {
    const head = this.client.conversation(this.conversation)?.headSeq ?? 0;
    if (head > 0) this.client.markRead(this.conversation, head);
  }

  get waiting(): number {
    return this.timeline.messages.filter((one) => one.tick === 'clock').length;
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
