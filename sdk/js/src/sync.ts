/*
 * sync: the leading tab's work: frames in, changes stored, then told, then acked.
 *
 *     frame -> merged into records (values) -> one commit -> told to all tabs -> acks
 *
 * Frames that come while a commit runs wait, and share the next one; so a backlog of any length
 * goes through in batches, and nothing is shown or acked that is not stored. A commit that fails
 * takes back what was merged and restarts the line: the server sends again what was not acked.
 *
 * What was pending when the line came up is acked as a whole, once it is all here: whoever wrote
 * five messages to a phone that was off sees five ticks turn at once. A long backlog is acked every
 * second on the way.
 */
import { Acks } from './ack.ts';
import type { Change, LineState, Order, Signal } from './change.ts';
import { isPassing } from './error.ts';
import { type Http, path } from './http.ts';
import { Line } from './line.ts';
import { Outbox } from './outbox.ts';
import { holds } from './range.ts';
import {
  type ConversationRecord,
  isWaiting,
  type MessageRecord,
  newConversation,
  readTo,
  withCursors,
  withEntry,
  withJoined,
  withOwnRead,
  withPage,
  withSeen,
  withSent,
  withStreamed,
} from './record.ts';
import type { Store, Stored } from './store.ts';
import { mistaken, type TokenSource } from './token.ts';
import {
  type Entry,
  type ErrorFrame,
  type Hello,
  type ServerFrame,
  type Snapshot,
  statusOf,
  type WireMessage,
} from './wire.ts';

const PAGE = 200;
const LIST_PAGE = 100;
const UNREAD_MAX = 1000;
const CATCHING_UP_MS = 1000;

export interface SyncOptions {
  url: string;
  user_id: string;
  device_id: string;
  leader: string;
  store: Store;
  tokens: TokenSource;
  http: Http;
  told: (changes: Change[]) => void;
  signal: (signal: Signal) => void;
}

type Step = (batch: Batch) => void;

/** What one commit will hold. */
interface Batch {
  conversations: Set<string>;
  messages: Map<string, MessageRecord[]>;
  gone: { conversation_id: string; client_id: string }[];
  refused: Change[];
  signals: Signal[];
  reset: boolean;
  caughtUp: boolean;
}

export class Sync {
  readonly #options: SyncOptions;
  readonly #line: Line;
  readonly #acks = new Acks();
  readonly #outbox: Outbox;
  #records = new Map<string, ConversationRecord>();
  #steps: Step[] = [];
  #working = false;
  #opened: string | null = null;
  #traced = false;
  #stopped = false;
  #listing = false;
  #listWanted = false;
  #filling = new Set<string>();
  /** What was seen, in this tab's time: a commit that fails must not lose it. */
  readonly #seen = new Map<string, number>();
  /** Conversations whose acks wait for the rest of what was pending; null: none wait. */
  #catchingUp: Set<string> | null = null;
  #ackTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#line = new Line(options.url, options.tokens, {
      state: (state) => this.#lineIs(state),
      hello: (hello) => this.#greeted(hello),
      frame: (frame) => this.#step((batch) => this.#take(frame, batch)),
      passed: (direction, frame) => {
        if (!this.#traced) return;
        const at = new Date().toISOString();
        options.signal({ kind: 'frame', passed: { at, direction, frame } });
      },
      isMine: (hello) => this.#isMine(hello),
      isRefused: () => this.#isRefused(),
    });
    this.#outbox = new Outbox(
      (frame) => this.#line.send(frame),
      () => this.#line.restart(),
    );
  }

  async start(): Promise<void> {
    let stored: Stored;
    try {
      stored = await this.#options.store.load();
    } catch (error) {
      this.#cannotStore(error);
      return;
    }
    if (this.#stopped) return;
    this.#records = new Map(stored.conversations.map((one) => [one.conversation_id, one]));
    this.#outbox.take(stored.outbox);
    this.#line.start();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#ackTimer);
    this.#outbox.pause();
    this.#line.stop();
  }

  nudge(): void {
    this.#line.nudge();
  }

  renewed(token: string): void {
    this.#line.send({ type: 'token', token });
  }

  obey(order: Order): void {
    switch (order.kind) {
      case 'send_outbox':
        this.#options.store.outbox().then(
          (stored) => this.#outbox.take(stored),
          (error: unknown) => this.#cannotStore(error),
        );
        break;
      case 'seen':
        this.#see(order.conversation_id, order.seq);
        break;
      case 'open':
        this.#opened = order.conversation_id;
        this.#line.send({ type: 'open', conversation_id: order.conversation_id });
        break;
      case 'close':
        if (this.#opened !== order.conversation_id) break;
        this.#opened = null;
        this.#line.send({ type: 'close', conversation_id: order.conversation_id });
        break;
      case 'typing':
        this.#line.send({ type: 'typing', conversation_id: order.conversation_id });
        break;
      case 'page':
        this.#step((batch) => this.#hold(batch, order.conversation_id, order.messages));
        break;
      case 'entry':
        void this.#list();
        break;
      case 'connect':
        this.#line.nudge();
        break;
      case 'take_over':
        this.#line.takeOver();
        break;
      case 'trace':
        this.#traced = order.on;
        break;
      case 'who':
        this.#lineIs(this.#line.state);
        break;
    }
  }

  #see(id: string, seq: number): void {
    this.#seen.set(id, Math.max(seq, this.#seen.get(id) ?? 0));
    this.#step((batch) => this.#edit(batch, id, (one) => withSeen(one, seq)));
  }

  #lineIs(state: LineState): void {
    if (state !== 'online') this.#outbox.pause();
    this.#options.signal({ kind: 'line', state, leader: this.#options.leader });
  }

  async #isRefused(): Promise<boolean> {
    try {
      await this.#options.http.get('/me');
      return false;
    } catch (error) {
      return (error as { code?: string }).code === 'unauthenticated';
    }
  }

  /** A browser's cookie may be somebody else's by now: nothing of theirs belongs here. */
  #isMine(hello: Hello): boolean {
    const text = mistaken(hello, this.#options);
    if (text !== null) this.#problem('unauthenticated', text);
    return text === null;
  }

  #greeted(hello: Hello): void {
    this.#acks.reset();
    this.#catchUp();
    if (!hello.resumed) {
      this.#step((batch) => {
        // The server knows nothing of this device: its cursors here mean nothing any more.
        if (this.#records.size === 0) return;
        this.#records.clear();
        batch.reset = true;
      });
    }
    for (const [id, seq] of this.#seen) this.#see(id, seq);
    this.#outbox.restart();
    if (this.#opened !== null) this.#line.send({ type: 'open', conversation_id: this.#opened });
    // One that was asked for on a line that has died may take long to end.
    this.#listing = false;
    void this.#list();
  }

  #catchUp(): void {
    this.#catchingUp = new Set();
    clearInterval(this.#ackTimer);
    this.#ackTimer = setInterval(() => {
      const waiting = this.#catchingUp ?? new Set();
      this.#catchingUp = new Set();
      for (const id of waiting) this.#acknowledge(id);
    }, CATCHING_UP_MS);
  }

  #caughtUp(): void {
    clearInterval(this.#ackTimer);
    const waiting = this.#catchingUp ?? new Set();
    this.#catchingUp = null;
    for (const id of waiting) this.#acknowledge(id);
  }

  /**
   * Cursors are not replayed at connect, and conversations may have come: the list has both.
   * However many ask for it, it is on its way once, and once more for who asked meanwhile.
   */
  async #list(): Promise<void> {
    this.#listWanted = true;
    if (this.#listing) return;
    this.#listing = true;
    while (this.#listWanted) {
      this.#listWanted = false;
      await this.#listAll();
    }
    this.#listing = false;
  }

  async #listAll(): Promise<void> {
    let cursor: string | null = null;
    try {
      do {
        const page: { conversations: Entry[]; next: string | null } = await this.#options.http.get(
          '/conversations',
          {
            limit: LIST_PAGE,
            cursor: cursor ?? undefined,
          },
        );
        for (const entry of page.conversations) this.#step((batch) => this.#list1(entry, batch));
        cursor = page.next ?? null;
      } while (cursor !== null);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== 'offline') this.#problem(code ?? 'internal', message);
    }
  }

  #list1(entry: Entry, batch: Batch): void {
    this.#edit(batch, entry.conversation_id, (one) => withEntry(one, entry));
    for (const user_id of entry.members) {
      const status = statusOf(entry, user_id);
      if (status) batch.signals.push({ kind: 'presence', user_id, status });
    }
  }

  #cannotStore(error: unknown): void {
    this.#problem('storage', `this device cannot store messages: ${String(error)}`);
  }

  #problem(code: string, message: string): void {
    this.#options.signal({ kind: 'problem', code, message });
  }

  #step(step: Step): void {
    this.#steps.push(step);
    if (this.#working) return;
    this.#working = true;
    queueMicrotask(() => void this.#work());
  }

  async #work(): Promise<void> {
    while (this.#steps.length > 0) {
      const steps = this.#steps;
      this.#steps = [];
      const before = new Map(this.#records);
      const batch: Batch = {
        conversations: new Set(),
        messages: new Map(),
        gone: [],
        refused: [],
        signals: [],
        reset: false,
        caughtUp: false,
      };
      for (const step of steps) step(batch);
      try {
        await this.#finish(batch);
      } catch (error) {
        this.#records = before;
        this.#cannotStore(error);
        this.#line.restart();
      }
    }
    this.#working = false;
  }

  async #finish(batch: Batch): Promise<void> {
    for (const id of batch.conversations) await this.#count(id, batch);
    const changes: Change[] = [];
    if (batch.reset) changes.push({ kind: 'reset' });
    for (const [conversation_id, messages] of batch.messages)
      changes.push({ kind: 'messages', conversation_id, messages });
    for (const one of batch.gone) changes.push({ kind: 'outbox_gone', ...one });
    changes.push(...batch.refused);
    for (const id of batch.conversations) {
      const record = this.#records.get(id);
      if (record) changes.push({ kind: 'conversation', record });
    }
    if (changes.length > 0) {
      await this.#options.store.commit(changes);
      this.#options.told(changes);
    }
    for (const one of batch.gone) this.#outbox.remove(one.client_id);
    for (const signal of batch.signals) this.#options.signal(signal);
    for (const id of batch.conversations) {
      if (this.#catchingUp) this.#catchingUp.add(id);
      else this.#acknowledge(id);
    }
    if (batch.caughtUp) this.#caughtUp();
  }

  /** After a read that left something unread: how much, where all of it is held. */
  async #count(id: string, batch: Batch): Promise<void> {
    const record = this.#records.get(id);
    if (!record || record.unread === 0) return;
    const from = readTo(record) + 1;
    if (record.head_seq - from >= UNREAD_MAX || !holds(record.spans, from, record.head_seq)) return;
    const stored = await this.#options.store.messages(id, from, record.head_seq);
    const all = new Map(stored.map((message) => [message.seq, message]));
    for (const message of batch.messages.get(id) ?? []) all.set(message.seq, message);
    const unread = [...all.values()].filter(
      (one) => one.seq >= from && one.sender !== this.#options.user_id,
    ).length;
    if (unread !== record.unread)
      this.#records.set(id, { ...record, unread, version: record.version + 1 });
  }

  #acknowledge(id: string): void {
    const record = this.#records.get(id);
    if (!record || this.#line.state !== 'online') return;
    for (const frame of this.#acks.due(record)) this.#line.send(frame);
    const { cursor } = record;
    if (cursor !== null && record.spans.some((span) => span[0] > cursor + 1)) void this.#fill(id);
  }

  /** The stream never leaves gaps; a lost answer to a send does, and a page closes it. */
  async #fill(id: string): Promise<void> {
    if (this.#filling.has(id)) return;
    this.#filling.add(id);
    try {
      const after = this.#records.get(id)?.cursor ?? 0;
      const page = await this.#options.http.get<Snapshot>(path`/conversation/${id}`, {
        after,
        limit: PAGE,
      });
      this.#step((batch) => {
        this.#filling.delete(id);
        this.#hold(batch, id, page.messages);
        this.#edit(batch, id, withJoined);
      });
    } catch {
      // The next socket, or the next message, tries again.
      this.#filling.delete(id);
    }
  }

  #edit(batch: Batch, id: string, edit: (record: ConversationRecord) => ConversationRecord): void {
    const known = this.#records.get(id);
    const record = known ?? newConversation(id, new Date().toISOString());
    const edited = edit(record);
    if (edited === known) return;
    this.#records.set(id, { ...edited, version: record.version + 1 });
    batch.conversations.add(id);
  }

  #put(batch: Batch, conversation_id: string, message: WireMessage & { client_id?: string }): void {
    const { seq, sender, content, timestamp, client_id } = message;
    const record: MessageRecord = { conversation_id, seq, sender, content, timestamp };
    if (client_id !== undefined) record.client_id = client_id;
    const messages = batch.messages.get(conversation_id);
    if (messages) messages.push(record);
    else batch.messages.set(conversation_id, [record]);
  }

  /** What is held already stays as it is: it may know more of an own message, its `client_id`. */
  #hold(batch: Batch, id: string, page: readonly WireMessage[]): void {
    const spans = this.#records.get(id)?.spans ?? [];
    const waiting = this.#outbox.waiting(id);
    const messages = page.filter((one) => !isWaiting(one, waiting, this.#options.user_id));
    for (const message of messages)
      if (!holds(spans, message.seq, message.seq)) this.#put(batch, id, message);
    this.#edit(batch, id, (one) => withPage(one, messages));
  }

  #take(frame: ServerFrame, batch: Batch): void {
    switch (frame.type) {
      case 'message':
        this.#arrived(frame, batch);
        break;
      case 'sent':
        this.#sent(frame.client_id, frame, batch);
        break;
      case 'status_update':
        this.#edit(batch, frame.conversation_id, (one) => withCursors(one, frame));
        break;
      case 'read_sync':
        this.#edit(batch, frame.conversation_id, (one) => withOwnRead(one, frame.last_read_seq));
        break;
      case 'presence': {
        const status = frame.status ?? statusOf(frame, frame.user_id);
        if (status) batch.signals.push({ kind: 'presence', user_id: frame.user_id, status });
        break;
      }
      case 'typing':
        batch.signals.push({
          kind: 'typing',
          conversation_id: frame.conversation_id,
          user_id: frame.user_id,
        });
        break;
      case 'conversation_added':
        this.#list1(frame.conversation, batch);
        break;
      case 'conversation':
        this.#openedWith(frame, batch);
        break;
      case 'caught_up':
        batch.signals.push({ kind: 'caught_up' });
        batch.caughtUp = true;
        break;
      case 'error':
        this.#refused(frame, batch);
        break;
      default:
        // A frame of a later version; unknown ones are passed over.
        break;
    }
  }

  #arrived(frame: Extract<ServerFrame, { type: 'message' }>, batch: Batch): void {
    const me = this.#options.user_id;
    const known = this.#records.get(frame.conversation_id);
    // The list may have told of it before; what counts is whether this device holds it.
    const isNews = known === undefined || !holds(known.spans, frame.seq, frame.seq);
    this.#put(batch, frame.conversation_id, frame);
    this.#edit(batch, frame.conversation_id, (one) => withStreamed(one, frame, me));
    this.#acks.handed(frame.conversation_id);
    batch.conversations.add(frame.conversation_id);
    if (known === undefined || known.members.length === 0) void this.#list();
    const mine = frame.client_id !== undefined ? this.#outbox.find(frame.client_id) : undefined;
    if (mine && frame.sender === me) this.#sent(mine.client_id, frame, batch);
    if (isNews && frame.sender !== me) {
      const { conversation_id, seq, sender, content, timestamp } = frame;
      const message = { seq, sender, content, timestamp };
      batch.signals.push({ kind: 'arrived', conversation_id, message });
    }
  }

  #sent(
    client_id: string,
    frame: { conversation_id: string; seq: number; timestamp: string },
    batch: Batch,
  ): void {
    const { conversation_id, seq, timestamp } = frame;
    const record = this.#outbox.find(client_id);
    if (!record) return;
    const message = { seq, sender: this.#options.user_id, content: record.content, timestamp };
    this.#put(batch, conversation_id, { ...message, client_id });
    this.#edit(batch, conversation_id, (one) => withSent(one, message));
    batch.gone.push({ conversation_id, client_id });
    batch.signals.push({ kind: 'sent', client_id, conversation_id, seq, timestamp });
  }

  #openedWith(frame: Extract<ServerFrame, { type: 'conversation' }>, batch: Batch): void {
    const id = frame.conversation_id;
    const members = frame.members ?? [];
    this.#hold(batch, id, frame.messages);
    this.#edit(batch, id, (one) => withCursors(withOwnRead(one, frame.my_last_read_seq), frame));
    if ((this.#records.get(id)?.members.length ?? 0) === 0) void this.#list();
    for (const { user_id, status } of members)
      batch.signals.push({ kind: 'presence', user_id, status });
    batch.signals.push({ kind: 'opened', conversation_id: id, members });
  }

  #refused(frame: ErrorFrame, batch: Batch): void {
    const { client_id, code, message, conversation_id } = frame;
    if (code === 'ack_ahead' && conversation_id !== undefined) {
      this.#acks.refused(conversation_id, frame.limit ?? 0);
      return;
    }
    const record = client_id !== undefined ? this.#outbox.find(client_id) : undefined;
    if (!record) {
      batch.signals.push({ kind: 'problem', code, message, conversation_id });
      return;
    }
    if (isPassing(code)) {
      this.#outbox.putOff(record.client_id, frame.retry_after_ms ?? 0);
      return;
    }
    const refused = { ...record, refusal: { code, message } };
    batch.refused.push({ kind: 'outbox', record: refused });
    batch.signals.push({ kind: 'refused', client_id: record.client_id, code, message });
    this.#outbox.remove(record.client_id);
  }
}
