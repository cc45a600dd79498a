/*
 * client: the library's face: one device of one user, whatever number of tabs it has.
 */
import type { Broadcast, Change, LineState, Order, Signal } from './change.ts';
import type { ClientEvents, ClientOptions, Sent } from './client_types.ts';
import { Emitter } from './emitter.ts';
import { TwoTicksError } from './error.ts';
import { Http, path } from './http.ts';
import { type Conversation, Model } from './model.ts';
import * as push from './push.ts';
import type { PushAddress, PushWorker } from './push.ts';
import { holds, spanWith } from './range.ts';
import { isWaiting, type MessageRecord, type OutboxRecord } from './record.ts';
import type { Store } from './store.ts';
import { openIndexedDb } from './store_indexeddb.ts';
import { MemoryStore } from './store_memory.ts';
import { Sync } from './sync.ts';
import { BrowserTabs, canShareTabs, SingleTab, type Tabs } from './tabs.ts';
import { Timeline } from './timeline.ts';
import { ownTokens, type TokenProvider, TokenSource } from './token.ts';
import type {
  Entry,
  MessageInfo,
  Settings,
  Snapshot,
  Status,
  TimelineEvent,
  WireMember,
  Why,
} from './wire.ts';

const OPEN_MS_MAX = 3_000;
const TYPING_EVERY_MS = 3_000;

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

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

interface Parts {
  base: string;
  userId: string;
  deviceId: string;
  store: Store;
  tabs: Tabs;
  provider: TokenProvider | null;
}

/**
 * One device of one user; `connect` makes it. What it shows is of this moment, in memory; events
 * say when to look again. Calls that ask the server reject with a TwoTicksError, whose `code` is
 * one of the protocol's, or `offline`: the server cannot be reached.
 */
export class Client extends Emitter<ClientEvents> {
  readonly userId: string;
  readonly deviceId: string;
  readonly #base: string;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #tokens: TokenSource;
  readonly #http: Http;
  readonly #model: Model;
  readonly #timelines = new Map<string, Timeline>();
  readonly #seen = new Map<string, number>();
  readonly #typedAt = new Map<string, number>();
  #sync: Sync | null = null;
  #opened: string | null = null;
  #traced = false;
  #closed = false;
  #forget: (() => void)[] = [];
  /** What was heard while the store is read; null: it is not. */
  #heard: Broadcast[] | null = null;

  constructor(parts: Parts) {
    super();
    this.userId = parts.userId;
    this.deviceId = parts.deviceId;
    this.#base = parts.base;
    this.#store = parts.store;
    this.#tabs = parts.tabs;
    const owner = { user_id: parts.userId, device_id: parts.deviceId };
    const provider =
      parts.provider &&
      ownTokens(parts.provider, owner, (message) =>
        this.emit('problem', { code: 'unauthenticated', message }),
      );
    this.#tokens = new TokenSource(provider, (token) => this.#sync?.renewed(token));
    this.#http = new Http(parts.base, this.#tokens);
    this.#model = new Model(parts.userId);
  }

  /** Called by `connect`, once. */
  async start(): Promise<void> {
    this.#tabs.listen((message) => this.#hear(message));
    await this.#load();
    this.#tabs.join(() => this.#lead());
    this.#order({ kind: 'who' });
    this.#watchWindow();
  }

  /** Shows what is stored. What is heard meanwhile comes after it. */
  async #load(): Promise<void> {
    if (this.#heard) return;
    const heard: Broadcast[] = (this.#heard = []);
    try {
      const changes = this.#model.towards(await this.#store.load());
      if (!this.#closed) this.#changed(changes);
    } finally {
      this.#heard = null;
    }
    for (const message of heard) this.#hear(message);
  }

  #lead(): void {
    if (this.#closed) return;
    this.#sync = new Sync({
      url: `${this.#base.replace(/^http/, 'ws')}/ws`,
      user_id: this.userId,
      device_id: this.deviceId,
      leader: this.#tabs.id,
      store: this.#store,
      tokens: this.#tokens,
      http: this.#http,
      told: (changes) => this.#tell({ to: 'all', changes }),
      signal: (signal) => this.#tell({ to: 'all', signal }),
    });
    if (this.#traced) this.#sync.obey({ kind: 'trace', on: true });
    void this.#sync.start();
  }

  #watchWindow(): void {
    if (typeof window === 'undefined') return;
    const nudge = () => this.#order({ kind: 'connect' });
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      nudge();
      if (this.#opened !== null) this.#order({ kind: 'open', conversation_id: this.#opened });
    };
    window.addEventListener('online', nudge);
    document.addEventListener('visibilitychange', look);
    this.#forget.push(
      () => window.removeEventListener('online', nudge),
      () => document.removeEventListener('visibilitychange', look),
    );
  }

  /** Leaves: the socket is closed, or passes to another tab. What is stored stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const forget of this.#forget) forget();
    this.#sync?.stop();
    this.#tokens.stop();
    this.#tabs.leave();
    this.#store.close();
  }

  /** Forgets everything that this device has stored; for signing out. Then closes. */
  async erase(): Promise<void> {
    this.#tabs.post({ to: 'all', signal: { kind: 'erased' } });
    this.#sync?.stop();
    await this.#store.erase();
    this.close();
  }

  #tell(message: Broadcast): void {
    if (this.#closed) return;
    this.#tabs.post(message);
    this.#hear(message);
  }

  #order(order: Order): void {
    if (this.#closed) return;
    // The others hear of a chat that is closed, too: it may be on their screens.
    if (!this.#sync || order.kind === 'close') this.#tabs.post({ to: 'leader', order });
    this.#sync?.obey(order);
  }

  #ordered(order: Order): void {
    const isShownHere = order.kind === 'close' && order.conversation_id === this.#opened;
    if (!isShownHere) this.#sync?.obey(order);
    else if (!this.#sync) this.#order({ kind: 'open', conversation_id: order.conversation_id });
  }

  #hear(message: Broadcast): void {
    if (this.#closed) return;
    if (message.to === 'leader') this.#ordered(message.order);
    else if (this.#heard) this.#heard.push(message);
    else if ('changes' in message) this.#changed(message.changes);
    else this.#signalled(message.signal);
  }

  #changed(changes: Change[]): void {
    const touched = this.#model.apply(changes);
    for (const [id, timeline] of this.#timelines) {
      if (!touched || touched.has(id)) timeline.apply(changes, id);
    }
    for (const id of touched ?? []) this.emit('conversation', id);
    this.emit('conversations', undefined);
  }

  #signalled(signal: Signal): void {
    const leader = this.#model.leader;
    this.#model.hear(signal, Date.now());
    switch (signal.kind) {
      case 'line':
        if (signal.leader !== leader) this.#newLeader(leader !== null);
        if (signal.state === 'online')
          for (const timeline of this.#timelines.values()) void timeline.refresh().catch(() => {});
        this.emit('line', signal.state);
        break;
      case 'presence':
        this.emit('presence', { userId: signal.user_id, status: signal.status });
        break;
      case 'typing':
        this.emit('typing', {
          conversationId: signal.conversation_id,
          userId: signal.user_id,
        });
        break;
      case 'sent':
        this.emit('sent', {
          conversationId: signal.conversation_id,
          clientId: signal.client_id,
          seq: signal.seq,
          timestamp: signal.timestamp,
        });
        break;
      case 'refused':
        this.emit('refused', {
          clientId: signal.client_id,
          code: signal.code,
          message: signal.message,
        });
        break;
      case 'arrived':
        this.emit('message', { conversationId: signal.conversation_id, ...signal.message });
        break;
      case 'opened':
        this.emit('conversation', signal.conversation_id);
        break;
      case 'erased':
        // Another tab has signed this device out; nothing is left to be shown here.
        this.#model.hear({ kind: 'line', state: 'signed_out', leader: this.#tabs.id }, Date.now());
        this.emit('line', 'signed_out');
        this.close();
        break;
      case 'caught_up':
        this.emit('caught_up', undefined);
        break;
      case 'frame':
        this.emit('frame', signal.passed);
        break;
      case 'problem':
        this.emit('problem', signal);
        break;
    }
  }

  /** Orders to the old one may have been lost with it, and what it stored but did not tell. */
  #newLeader(isAnother: boolean): void {
    if (isAnother) void this.#load().catch(() => {});
    for (const [conversation_id, seq] of this.#seen)
      this.#order({ kind: 'seen', conversation_id, seq });
    if (this.#opened !== null) this.#order({ kind: 'open', conversation_id: this.#opened });
    if (this.#traced) this.#order({ kind: 'trace', on: true });
    this.#order({ kind: 'send_outbox' });
  }

  // What is there.

  /** How the line is; the event `line` tells when that changes. */
  get line(): LineState {
    return this.#model.line;
  }

  /** All conversations, newest activity first. The same values until something of them changes. */
  conversations(): Conversation[] {
    return this.#model.conversations();
  }

  /** One of them; undefined where this device knows of none. */
  conversation(id: string): Conversation | undefined {
    return this.#model.conversation(id);
  }

  /**
   * Whether somebody is online, else when they were last seen (null: not shared, or never).
   * Undefined where it is not known, and while the line is down: what was known is old then.
   */
  status(userId: string): Status | undefined {
    return this.#model.line === 'online' ? this.#model.presence.get(userId) : undefined;
  }

  /** The other members of a conversation that was opened, each with their own cursors. */
  members(conversationId: string): readonly WireMember[] {
    return this.#model.members.get(conversationId) ?? [];
  }

  /**
   * The ids of those who are typing there; `untilMs`, in ms since 1970, is when that changes if no
   * more is heard; Infinity where nobody types.
   */
  typing(conversationId: string): { users: string[]; untilMs: number } {
    return this.#model.typing(conversationId, Date.now());
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
  async queue(
    conversationId: string,
    content: string,
  ): Promise<{ clientId: string; sent: Promise<Sent> }> {
    if (this.#closed) throw new TwoTicksError('closed', 'this client was closed');
    const clientId = randomId();
    const sent = this.#outcome(clientId);
    // Who does not look at the outcome gets events; it is no unhandled rejection.
    sent.catch(() => {});
    const record = await this.#store.addToOutbox({
      client_id: clientId,
      conversation_id: conversationId,
      content,
      at: new Date().toISOString(),
      after_seq: this.#model.records.get(conversationId)?.head_seq ?? 0,
      refusal: null,
    });
    this.#typedAt.delete(conversationId);
    this.#tell({ to: 'all', changes: [{ kind: 'outbox', record }] });
    this.#order({ kind: 'send_outbox' });
    return { clientId, sent };
  }

  #outcome(clientId: string): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const offs = [
        this.on('sent', (sent) => {
          if (sent.clientId !== clientId) return;
          for (const off of offs) off();
          resolve(sent);
        }),
        this.on('refused', (refused) => {
          if (refused.clientId !== clientId) return;
          for (const off of offs) off();
          reject(new TwoTicksError(refused.code, refused.message));
        }),
      ];
    });
  }

  #waiting(conversationId: string, clientId: string): OutboxRecord | undefined {
    const waiting = this.#model.outbox.get(conversationId) ?? [];
    return waiting.find((one) => one.client_id === clientId);
  }

  /** Sends a refused message again, under the same `client_id`; any other stays as it is. */
  async retry(conversationId: string, clientId: string): Promise<void> {
    const record = this.#waiting(conversationId, clientId);
    if (!record?.refusal) return;
    const changes: Change[] = [{ kind: 'outbox', record: { ...record, refusal: null } }];
    await this.#store.commit(changes);
    this.#tell({ to: 'all', changes });
    this.#order({ kind: 'send_outbox' });
  }

  /** Gives a refused message up: it is gone from this device. Any other stays as it is. */
  async discard(conversationId: string, clientId: string): Promise<void> {
    if (!this.#waiting(conversationId, clientId)?.refusal) return;
    const changes: Change[] = [
      { kind: 'outbox_gone', conversation_id: conversationId, client_id: clientId },
    ];
    await this.#store.commit(changes);
    this.#tell({ to: 'all', changes });
  }

  /** The user pressed a key; tells the others at most every 3 s. */
  type(conversationId: string): void {
    const now = Date.now();
    if (now - (this.#typedAt.get(conversationId) ?? 0) < TYPING_EVERY_MS) return;
    this.#typedAt.set(conversationId, now);
    this.#order({ kind: 'typing', conversation_id: conversationId });
  }

  // Reading.

  /**
   * The chat is on screen: one round trip brings history, ticks and presence, and presence goes on
   * coming. Resolves when that is here, or, without a line, at once: what is stored can be read.
   */
  async open(conversationId: string): Promise<void> {
    this.#opened = conversationId;
    if (this.#model.line !== 'online') {
      this.#order({ kind: 'open', conversation_id: conversationId });
      return;
    }
    await new Promise<void>((resolve) => {
      const offs = [
        this.on('conversation', (id) => {
          if (id === conversationId && this.#model.members.has(id)) finish();
        }),
        this.on('problem', finish),
        this.on('line', finish),
      ];
      const timer = setTimeout(finish, OPEN_MS_MAX);
      this.#model.members.delete(conversationId);
      this.#order({ kind: 'open', conversation_id: conversationId });
      function finish(): void {
        clearTimeout(timer);
        for (const off of offs) off();
        resolve();
      }
    });
  }

  /** The chat is not on screen any more: its presence and typing are not told any longer. */
  leave(conversationId: string): void {
    if (this.#opened === conversationId) this.#opened = null;
    this.#order({ kind: 'close', conversation_id: conversationId });
  }

  /**
   * The user has seen every message up to `seq`, on a visible screen that has the focus. It goes
   * out now, or with the next line; going back does nothing.
   */
  markRead(conversationId: string, seq: number): void {
    if (seq <= (this.#seen.get(conversationId) ?? 0)) return;
    const known = this.#model.records.get(conversationId);
    if (known && seq <= known.my_last_read_seq) return;
    this.#seen.set(conversationId, seq);
    this.#order({ kind: 'seen', conversation_id: conversationId, seq });
  }

  /** A window onto a conversation's messages; the same one for the same conversation. */
  timeline(conversationId: string): Timeline {
    const known = this.#timelines.get(conversationId);
    if (known) return known;
    const timeline = new Timeline({
      me: this.userId,
      cursors: () => {
        const one = this.#model.conversation(conversationId);
        return {
          headSeq: one?.headSeq ?? 0,
          lastDeliveredSeq: one?.lastDeliveredSeq ?? 0,
          lastReadSeq: one?.lastReadSeq ?? 0,
          myLastReadSeq: one?.myLastReadSeq ?? 0,
        };
      },
      waiting: () => this.#model.outbox.get(conversationId) ?? [],
      page: (where, limit) => this.history(conversationId, where, limit),
    });
    this.#timelines.set(conversationId, timeline);
    return timeline;
  }

  /**
   * At most `limit` (1 to 200) messages right before or after a seq, which is not among them,
   * ascending: from this device where it has them, else from the server; without a line, what is
   * here. Rejects with `not_found` where the user is no member.
   */
  async history(
    conversationId: string,
    where: { before: number } | { after: number },
    limit = 50,
  ): Promise<MessageRecord[]> {
    const record = this.#model.records.get(conversationId);
    const head = record?.head_seq ?? 0;
    const spans = record?.spans ?? [];
    const up = 'before' in where;
    let from = up ? Math.max(1, where.before - limit) : where.after + 1;
    let to = up ? Math.min(head, where.before - 1) : Math.min(head, where.after + limit);
    if (record && from > to) return [];
    if (!record || !holds(spans, from, to)) {
      try {
        return await this.#fetchPage(conversationId, where, limit);
      } catch (error) {
        if ((error as TwoTicksError).code !== 'offline') throw error;
      }
      const span = spanWith(spans, up ? to : from);
      if (!span) return [];
      from = Math.max(from, span[0]);
      to = Math.min(to, span[1]);
    }
    return this.#store.messages(conversationId, from, to);
  }

  async #fetchPage(
    conversation_id: string,
    where: { before: number } | { after: number },
    limit: number,
  ): Promise<MessageRecord[]> {
    const page = await this.#http.get<Snapshot>(path`/conversation/${conversation_id}`, {
      ...where,
      limit: Math.min(limit, 200),
    });
    if (page.messages.length > 0)
      this.#order({ kind: 'page', conversation_id, messages: page.messages });
    const waiting = this.#model.outbox.get(conversation_id) ?? [];
    return page.messages
      .filter((message) => !isWaiting(message, waiting, this.userId))
      .map((message) => ({ conversation_id, ...message }));
  }

  // Requests.

  /**
   * Makes a conversation of the user and `members`, and answers its id. `kind` is `direct` for one
   * other, else `group`; of a direct one that there is already the id is answered. Rejects with
   * `conflict` where a `conversationId` is taken, `invalid_argument` for what is no id.
   */
  async create(options: {
    members: string[];
    kind?: 'direct' | 'group';
    title?: string;
    conversationId?: string;
  }): Promise<string> {
    const { members, kind, title, conversationId } = options;
    const all = [...new Set([this.userId, ...members])];
    const body = {
      members: all,
      kind: kind ?? (all.length > 2 ? 'group' : 'direct'),
      ...(title === undefined ? {} : { title }),
      ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    };
    const made = await this.#http.request<Entry>('POST', '/conversation', body);
    if (!this.#model.records.has(made.conversation_id)) {
      const known = this.#whenKnown(made.conversation_id);
      this.#order({ kind: 'entry', conversation_id: made.conversation_id });
      await known;
    }
    return made.conversation_id;
  }

  #whenKnown(id: string): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        off();
        resolve();
      };
      const off = this.on('conversation', (one) => {
        if (one === id) finish();
      });
      const timer = setTimeout(finish, OPEN_MS_MAX);
    });
  }

  /** When each of the others got and read a message: RFC 3339, null where not yet. */
  info(conversationId: string, seq: number): Promise<MessageInfo> {
    return this.#http.get(path`/conversation/${conversationId}/messages/${seq}/info`);
  }

  /** Why the tick of a message is what it is: for each of the others, and as one sentence. */
  why(conversationId: string, seq: number): Promise<Why> {
    return this.#http.get(path`/conversation/${conversationId}/messages/${seq}/why`);
  }

  /** What happened to the messages `from` to `to`, both of them too, and when, in order. */
  async events(
    conversationId: string,
    span: { from?: number; to?: number } = {},
  ): Promise<TimelineEvent[]> {
    const found = await this.#http.get<{ events: TimelineEvent[] }>(
      path`/conversation/${conversationId}/timeline`,
      span,
    );
    return found.events;
  }

  /** Mutes a conversation until then; null: no longer. */
  async mute(conversationId: string, until: Date | null): Promise<void> {
    await this.#http.request('PUT', path`/conversation/${conversationId}/settings`, {
      muted_until: until?.toISOString() ?? null,
    });
    this.#order({ kind: 'entry', conversation_id: conversationId });
  }

  /** The user's own settings, which hold on all devices. */
  settings(): Promise<Settings> {
    return this.#http.get('/me');
  }

  /** Changes those that are given; answers all. */
  changeSettings(settings: Settings): Promise<Settings> {
    return this.#http.request('PUT', '/me', settings);
  }

  /** Registers where this device is to be rung while it has no line. */
  registerPush(address: PushAddress): Promise<void> {
    return push.register(this.#http, this.deviceId, address);
  }

  /** It rings nowhere any more. */
  unregisterPush(): Promise<void> {
    return push.unregister(this.#http, this.deviceId);
  }

  /**
   * Rings this browser by Web Push from now on: subscribes it with the server's own key and
   * registers the subscription. For a click, once the user has allowed notifications; `worker` is
   * the page's ServiceWorkerRegistration, which shows what is pushed. Rejects as
   * `pushManager.subscribe` does, or with a TwoTicksError.
   */
  subscribePush(worker: PushWorker): Promise<void> {
    return push.subscribe(this.#http, this.deviceId, worker);
  }

  /** Ends what `subscribePush` began. */
  unsubscribePush(worker: PushWorker): Promise<void> {
    return push.unsubscribe(this.#http, this.deviceId, worker);
  }

  // The line.

  /** Now is a good moment to connect, or to see whether the line still lives. */
  reconnect(): void {
    this.#order({ kind: 'connect' });
  }

  /** After `replaced` or `signed_out`: connects here; who has the line now is pushed out. */
  takeOver(): void {
    this.#order({ kind: 'take_over' });
  }

  /** Turns the event `frame` on or off, for this tab. */
  traceFrames(on: boolean): void {
    this.#traced = on;
    this.#order({ kind: 'trace', on });
  }

  /** Resolves when the line is up; rejects with `unauthenticated` where no token gets it up. */
  async online(): Promise<void> {
    while (this.#model.line !== 'online') {
      if (this.#model.line === 'signed_out')
        throw new TwoTicksError('unauthenticated', 'the server takes no token of this user');
      await this.once('line');
    }
  }
}
