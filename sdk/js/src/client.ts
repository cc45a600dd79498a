/*
 * client: the library's face: one device of one user, whatever number of tabs it has.
 */
import type { LineState } from './change.ts';
import type { ClientEvents, ClientOptions, NewConversation, Sent } from './client_types.ts';
import { Emitter } from './emitter.ts';
import { TwoTicksError } from './error.ts';
import type { Conversation } from './model.ts';
import * as push from './push.ts';
import type { PushAddress, PushWorker } from './push.ts';
import { Reading, type Where } from './reading.ts';
import type { MessageRecord } from './record.ts';
import { Requests } from './requests.ts';
import { Sending } from './sending.ts';
import { openIndexedDb } from './store_indexeddb.ts';
import { MemoryStore } from './store_memory.ts';
import { type Parts, Tab } from './tab.ts';
import { BrowserTabs, canShareTabs, SingleTab } from './tabs.ts';
import type { Timeline } from './timeline.ts';
import type { TokenProvider } from './token.ts';
import type { MessageInfo, Settings, Status, TimelineEvent, WireMember, Why } from './wire.ts';

function providerOf(token: ClientOptions['token'], base: string): TokenProvider | null {
  if (token === undefined) return null;
  if (typeof token === 'function') return token;
  return async (current) => {
    if (current === null) return token;
    const response = await fetch(`${base}/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${current}` },
    });
    if (response.status === 401 || response.status === 404) return null;
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return ((await response.json()) as { token: string }).token;
  };
}

/**
 * Connects a device of a user. Resolves as soon as what is stored on it can be shown; the line
 * comes up by itself and stays up. Rejects only where the device's store cannot be opened.
 */
export async function connect(options: ClientOptions): Promise<Client> {
  const base = (options.url ?? globalThis.location?.origin ?? '').replace(/\/$/, '');
  const device = options.deviceId ?? 'default';
  const name = `twoticks ${base} ${options.userId} ${device}`;
  const inBrowser = typeof indexedDB !== 'undefined' && canShareTabs();
  const store = options.store ?? (inBrowser ? await openIndexedDb(name) : new MemoryStore());
  const tabs = inBrowser && !options.store ? new BrowserTabs(name) : new SingleTab();
  const client = new Client({
    base,
    userId: options.userId,
    deviceId: device,
    store,
    tabs,
    provider: providerOf(options.token, base),
  });
  await client.start();
  return client;
}

/**
 * One device of one user; `connect` makes it. What it shows is of this moment, in memory; events
 * say when to look again. Calls that ask the server reject with a TwoTicksError, whose `code` is
 * one of the protocol's, or `offline`: the server cannot be reached.
 */
export class Client extends Emitter<ClientEvents> {
  readonly userId: string;
  readonly deviceId: string;
  readonly #tab: Tab;
  readonly #sending: Sending;
  readonly #reading: Reading;
  readonly #requests: Requests;

  constructor(parts: Parts) {
    super();
    this.userId = parts.userId;
    this.deviceId = parts.deviceId;
    this.#tab = new Tab(parts, this);
    this.#sending = new Sending(this.#tab, this);
    this.#reading = new Reading(this.#tab, this);
    this.#requests = new Requests(this.#tab, this);
  }

  /** Called by `connect`, once. */
  start(): Promise<void> {
    return this.#tab.start();
  }

  /** Leaves: the socket is closed, or passes to another tab. What is stored stays. */
  close(): void {
    this.#tab.close();
  }

  /** Forgets everything that this device has stored; for signing out. Then closes. */
  erase(): Promise<void> {
    return this.#tab.erase();
  }

  // What is there.

  /** How the line is; the event `line` tells when that changes. */
  get line(): LineState {
    return this.#tab.model.line;
  }

  /** All conversations, newest activity first. The same values until something of them changes. */
  conversations(): Conversation[] {
    return this.#tab.model.conversations();
  }

  /** One of them; undefined where this device knows of none. */
  conversation(id: string): Conversation | undefined {
    return this.#tab.model.conversation(id);
  }

  /**
   * Whether somebody is online, else when they were last seen (null: not shared, or never).
   * Undefined where it is not known, and while the line is down: what was known is old then.
   */
  status(userId: string): Status | undefined {
    return this.#tab.model.line === 'online' ? this.#tab.model.presence.get(userId) : undefined;
  }

  /** The other members of a conversation that was opened, each with their own cursors. */
  members(conversationId: string): readonly WireMember[] {
    return this.#tab.model.members.get(conversationId) ?? [];
  }

  /**
   * The ids of those who are typing there; `untilMs`, in ms since 1970, is when that changes if no
   * more is heard; Infinity where nobody types.
   */
  typing(conversationId: string): { users: string[]; untilMs: number } {
    return this.#tab.model.typing(conversationId, Date.now());
  }

  // Sending.

  /**
   * Sends a message: it is stored on the device first, and goes out when there is a line, in order,
   * surviving a reload. Resolves at one tick; a line that is down only makes it wait. Rejects with
   * a TwoTicksError if the server refuses it for good (`payload_too_large`, `not_found`,
   * `invalid_argument`, …), and then it stays with the tick `failed`; with the store's own error if
   * this device cannot store it; with `closed` after `close`.
   */
  async send(conversationId: string, content: string): Promise<Sent> {
    const { sent } = await this.queue(conversationId, content);
    return sent;
  }

  /**
   * The same in two steps, for an interface: resolves when the message is safe on this device, and
   * `sent` as `send` does. Nobody need look at `sent`: events tell it too.
   */
  queue(
    conversationId: string,
    content: string,
  ): Promise<{ clientId: string; sent: Promise<Sent> }> {
    return this.#sending.queue(conversationId, content);
  }

  /** Sends a refused message again, under the same `client_id`; any other stays as it is. */
  retry(conversationId: string, clientId: string): Promise<void> {
    return this.#sending.retry(conversationId, clientId);
  }

  /** Gives a refused message up: it is gone from this device. Any other stays as it is. */
  discard(conversationId: string, clientId: string): Promise<void> {
    return this.#sending.discard(conversationId, clientId);
  }

  /** The user pressed a key; tells the others at most every 3 s. */
  type(conversationId: string): void {
    this.#sending.type(conversationId);
  }

  // Reading.

  /**
   * The chat is on screen: one round trip brings history, ticks and presence, and presence goes on
   * coming. Resolves when that is here, after a second, or, without a line, at once: what is stored
   * can be read.
   */
  open(conversationId: string): Promise<void> {
    return this.#reading.open(conversationId);
  }

  /** The chat is not on screen any more: its presence and typing are not told any longer. */
  leave(conversationId: string): void {
    this.#tab.left(conversationId);
  }

  /**
   * The user has seen every message up to `seq`, on a visible screen that has the focus. It goes
   * out now, or with the next line; going back does nothing.
   */
  markRead(conversationId: string, seq: number): void {
    this.#tab.seen(conversationId, seq);
  }

  /** A window onto a conversation's messages; the same one for the same conversation. */
  timeline(conversationId: string): Timeline {
    return this.#reading.timeline(conversationId);
  }

  /**
   * At most `limit` (1 to 200) messages right before or after a seq, which is not among them,
   * ascending: from this device where it has them, else from the server; without a line, what is
   * here. Rejects with `not_found` where the user is no member.
   */
  history(conversationId: string, where: Where, limit = 50): Promise<MessageRecord[]> {
    return this.#reading.history(conversationId, where, limit);
  }

  // Requests.

  /**
   * Makes a conversation of the user and `members`, and answers its id. `kind` is `direct` for one
   * other, else `group`; of a direct one that there is already the id is answered. Rejects with
   * `conflict` where a `conversationId` is taken, `invalid_argument` for what is no id.
   */
  create(options: NewConversation): Promise<string> {
    return this.#requests.create(options);
  }

  /** When each of the others got and read a message: RFC 3339, null where not yet. */
  info(conversationId: string, seq: number): Promise<MessageInfo> {
    return this.#requests.info(conversationId, seq);
  }

  /** Why the tick of a message is what it is: for each of the others, and as one sentence. */
  why(conversationId: string, seq: number): Promise<Why> {
    return this.#requests.why(conversationId, seq);
  }

  /** What happened to the messages `from` to `to`, both of them too, and when, in order. */
  events(
    conversationId: string,
    span: { from?: number; to?: number } = {},
  ): Promise<TimelineEvent[]> {
    return this.#requests.events(conversationId, span);
  }

  /** Mutes a conversation until then; null: no longer. */
  mute(conversationId: string, until: Date | null): Promise<void> {
    return this.#requests.mute(conversationId, until);
  }

  /** The user's own settings, which hold on all devices. */
  settings(): Promise<Settings> {
    return this.#requests.settings();
  }

  /** Changes those that are given; answers all. */
  changeSettings(settings: Settings): Promise<Settings> {
    return this.#requests.changeSettings(settings);
  }

  /** Registers where this device is to be rung while it has no line. */
  registerPush(address: PushAddress): Promise<void> {
    return push.register(this.#tab.http, this.deviceId, address);
  }

  /** It rings nowhere any more. */
  unregisterPush(): Promise<void> {
    return push.unregister(this.#tab.http, this.deviceId);
  }

  /**
   * Rings this browser by Web Push from now on: subscribes it with the server's own key and
   * registers the subscription. For a click, once the user has allowed notifications; `worker` is
   * the page's ServiceWorkerRegistration, which shows what is pushed. Rejects as
   * `pushManager.subscribe` does, or with a TwoTicksError.
   */
  subscribePush(worker: PushWorker): Promise<void> {
    return push.subscribe(this.#tab.http, this.deviceId, worker);
  }

  /** Ends what `subscribePush` began. */
  unsubscribePush(worker: PushWorker): Promise<void> {
    return push.unsubscribe(this.#tab.http, this.deviceId, worker);
  }

  // The line.

  /** Now is a good moment to connect, or to see whether the line still lives. */
  reconnect(): void {
    this.#tab.order({ kind: 'connect' });
  }

  /** After `replaced` or `signed_out`: connects here; who has the line now is pushed out. */
  takeOver(): void {
    this.#tab.order({ kind: 'take_over' });
  }

  /** Turns the event `frame` on or off, for this tab. */
  traceFrames(on: boolean): void {
    this.#tab.trace(on);
  }

  /** Resolves when the line is up; rejects with `unauthenticated` where no token gets it up. */
  async online(): Promise<void> {
    while (this.#tab.model.line !== 'online') {
      if (this.#tab.model.line === 'signed_out')
        throw new TwoTicksError('unauthenticated', 'the server takes no token of this user');
      await this.once('line');
    }
  }
}
