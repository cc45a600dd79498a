/*
 * tab: one tab's part in its device: what it hears it shows, and it leads when its turn has come.
 *
 * All tabs hear the same changes and signals, from whichever of them leads, itself included; what
 * a user does in any of them goes to the leader as an order.
 */
import type { Broadcast, Change, LineState, Order, Signal } from './change.ts';
import type { ClientEvents } from './client_types.ts';
import type { Emitter } from './emitter.ts';
import { Http } from './http.ts';
import { Model } from './model.ts';
import type { Store } from './store.ts';
import { Sync } from './sync.ts';
import type { Tabs } from './tabs.ts';
import { Timeline, type TimelineSource } from './timeline.ts';
import { ownTokens, type TokenProvider, TokenSource } from './token.ts';

export interface Parts {
  /** The server's address without a slash at its end. */
  base: string;
  userId: string;
  deviceId: string;
  store: Store;
  tabs: Tabs;
  /** Null: the browser's cookie signs in. */
  provider: TokenProvider | null;
}

export class Tab {
  readonly parts: Parts;
  readonly model: Model;
  readonly http: Http;
  readonly #events: Emitter<ClientEvents>;
  readonly #tokens: TokenSource;
  readonly #timelines = new Map<string, Timeline>();
  /** What was seen in this tab: a leader that ends may take its orders with it. */
  readonly #seen = new Map<string, number>();
  #sync: Sync | null = null;
  #opened: string | null = null;
  #traced = false;
  #closed = false;
  #forget: (() => void)[] = [];
  /** What was heard while the store is read; null: it is not. */
  #heard: Broadcast[] | null = null;

  constructor(parts: Parts, events: Emitter<ClientEvents>) {
    this.parts = parts;
    this.#events = events;
    const owner = { user_id: parts.userId, device_id: parts.deviceId };
    const provider =
      parts.provider &&
      ownTokens(parts.provider, owner, (message) =>
        events.emit('problem', { code: 'unauthenticated', message }),
      );
    this.#tokens = new TokenSource(provider, (token) => this.#sync?.renewed(token));
    this.http = new Http(parts.base, this.#tokens);
    this.model = new Model(parts.userId);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async start(): Promise<void> {
    this.parts.tabs.listen((message) => this.#hear(message));
    await this.#load();
    this.parts.tabs.join(() => this.#lead());
    this.order({ kind: 'who' });
    this.#watchWindow();
  }

  /** Shows what is stored. What is heard meanwhile comes after it. */
  async #load(): Promise<void> {
    if (this.#heard) return;
    const heard: Broadcast[] = (this.#heard = []);
    try {
      const changes = this.model.towards(await this.parts.store.load());
      if (!this.#closed) this.#changed(changes);
    } finally {
      this.#heard = null;
    }
    for (const message of heard) this.#hear(message);
  }

  #lead(): void {
    if (this.#closed) return;
    const { base, userId, deviceId, tabs, store } = this.parts;
    this.#sync = new Sync({
      url: `${base.replace(/^http/, 'ws')}/ws`,
      user_id: userId,
      device_id: deviceId,
      leader: tabs.id,
      store,
      tokens: this.#tokens,
      http: this.http,
      told: (changes, signals) => this.tell(changes, signals),
      signal: (signal) => this.tell([], [signal]),
    });
    if (this.#traced) this.#sync.obey({ kind: 'trace', on: true });
    void this.#sync.start();
  }

  #watchWindow(): void {
    if (typeof window === 'undefined') return;
    const nudge = () => this.order({ kind: 'connect' });
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      nudge();
      if (this.#opened !== null) this.order({ kind: 'open', conversation_id: this.#opened });
    };
    window.addEventListener('online', nudge);
    document.addEventListener('visibilitychange', look);
    this.#forget.push(
      () => window.removeEventListener('online', nudge),
      () => document.removeEventListener('visibilitychange', look),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const forget of this.#forget) forget();
    this.#sync?.stop();
    this.#tokens.stop();
    this.parts.tabs.leave();
    this.parts.store.close();
  }

  async erase(): Promise<void> {
    this.parts.tabs.post({ to: 'all', changes: [], signals: [{ kind: 'erased' }] });
    this.#sync?.stop();
    await this.parts.store.erase();
    this.close();
  }

  /** Tells all tabs, this one too, what is stored now and what happened. */
  tell(changes: Change[], signals: Signal[] = []): void {
    if (this.#closed) return;
    const message: Broadcast = { to: 'all', changes, signals };
    this.parts.tabs.post(message);
    this.#hear(message);
  }

  /** To the tab that leads, whichever it is. */
  order(order: Order): void {
    if (this.#closed) return;
    // The others hear of a chat that is closed, too: it may be on their screens.
    if (!this.#sync || order.kind === 'close') this.parts.tabs.post({ to: 'leader', order });
    this.#sync?.obey(order);
  }

  /** A chat that is on this tab's screen, until `left`. */
  opened(conversation_id: string): void {
    this.#opened = conversation_id;
    this.order({ kind: 'open', conversation_id });
  }

  left(conversation_id: string): void {
    if (this.#opened === conversation_id) this.#opened = null;
    this.order({ kind: 'close', conversation_id });
  }

  seen(conversation_id: string, seq: number): void {
    if (seq <= (this.#seen.get(conversation_id) ?? 0)) return;
    const known = this.model.records.get(conversation_id);
    if (known && seq <= known.my_last_read_seq) return;
    this.#seen.set(conversation_id, seq);
    this.order({ kind: 'seen', conversation_id, seq });
  }

  trace(on: boolean): void {
    this.#traced = on;
    this.order({ kind: 'trace', on });
  }

  /** The one timeline of a conversation; it hears of every change from now on. */
  timeline(conversationId: string, sourceOf: () => TimelineSource): Timeline {
    const known = this.#timelines.get(conversationId);
    if (known) return known;
    const timeline = new Timeline(sourceOf());
    this.#timelines.set(conversationId, timeline);
    return timeline;
  }

  #ordered(order: Order): void {
    const isShownHere = order.kind === 'close' && order.conversation_id === this.#opened;
    if (!isShownHere) this.#sync?.obey(order);
    else if (!this.#sync) this.order({ kind: 'open', conversation_id: order.conversation_id });
  }

  #hear(message: Broadcast): void {
    if (this.#closed) return;
    if (message.to === 'leader') {
      this.#ordered(message.order);
    } else if (this.#heard) {
      this.#heard.push(message);
    } else {
      if (message.changes.length > 0) this.#changed(message.changes);
      for (const signal of message.signals) this.#signalled(signal);
    }
  }

  #changed(changes: Change[]): void {
    const touched = this.model.apply(changes);
    for (const [id, timeline] of this.#timelines) {
      if (!touched || touched.has(id)) timeline.apply(changes, id);
    }
    for (const id of touched ?? []) this.#events.emit('conversation', id);
    this.#events.emit('conversations', undefined);
  }

  #signalled(signal: Signal): void {
    if (this.#closed) return;
    const { leader } = this.model;
    this.model.hear(signal, Date.now());
    if (signal.kind === 'line') this.#lineIs(signal, leader);
    else if (signal.kind === 'erased') this.#erased();
    else announce(signal, this.#events);
  }

  #lineIs(signal: { state: LineState; leader: string }, before: string | null): void {
    if (signal.leader !== before) this.#newLeader(before !== null);
    if (signal.state === 'online')
      for (const timeline of this.#timelines.values()) void timeline.refresh().catch(() => {});
    this.#events.emit('line', signal.state);
  }

  /** Another tab has signed this device out; nothing is left to be shown here. */
  #erased(): void {
    const leader = this.parts.tabs.id;
    this.model.hear({ kind: 'line', state: 'signed_out', leader }, Date.now());
    this.#events.emit('line', 'signed_out');
    this.close();
  }

  /** Orders to the old one may have been lost with it, and what it stored but did not tell. */
  #newLeader(isAnother: boolean): void {
    if (isAnother) void this.#load().catch(() => {});
    for (const [conversation_id, seq] of this.#seen)
      this.order({ kind: 'seen', conversation_id, seq });
    if (this.#opened !== null) this.order({ kind: 'open', conversation_id: this.#opened });
    if (this.#traced) this.order({ kind: 'trace', on: true });
    this.order({ kind: 'send_outbox' });
  }
}

/** Signals by the names that they have outside. */
function announce(signal: Signal, events: Emitter<ClientEvents>): void {
  switch (signal.kind) {
    case 'presence':
      events.emit('presence', { userId: signal.user_id, status: signal.status });
      break;
    case 'typing': {
      const { conversation_id: conversationId, user_id: userId } = signal;
      events.emit('typing', { conversationId, userId });
      break;
    }
    case 'sent': {
      const { conversation_id: conversationId, client_id: clientId, seq, timestamp } = signal;
      events.emit('sent', { conversationId, clientId, seq, timestamp });
      break;
    }
    case 'refused': {
      const { client_id: clientId, code, message } = signal;
      events.emit('refused', { clientId, code, message });
      break;
    }
    case 'arrived':
      events.emit('message', { conversationId: signal.conversation_id, ...signal.message });
      break;
    case 'opened':
      events.emit('conversation', signal.conversation_id);
      break;
    case 'caught_up':
      events.emit('caught_up', undefined);
      break;
    case 'frame':
      events.emit('frame', signal.passed);
      break;
    case 'problem':
      events.emit('problem', { code: signal.code, message: signal.message });
      break;
    default:
      // The line and the end of the device are the tab's own affair.
      break;
  }
}
