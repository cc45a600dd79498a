/*
 * sync: the leading tab's work: frames in, changes stored, then told, then acked.
 *
 *     frame -> merged into records (values) -> one commit -> told to all tabs -> acks
 *
 * Frames that come while a commit runs wait, and share the next one; so a backlog of any length
 * goes through in batches, and nothing is shown or acked that is not stored. What somebody waits
 * for (the list, an answer, a chat that was opened) does not wait behind the backlog. A commit that
 * fails takes back what was merged and restarts the line: the server sends again what was not
 * acked.
 *
 * What was pending when the line came up is acked as a whole, once it is all here: whoever wrote
 * five messages to a phone that was off sees five ticks turn at once. A long backlog is acked every
 * second on the way.
 */
import { Acks } from './ack.ts';
import type { Change, LineState, Order, Signal } from './change.ts';
import { type Http, path } from './http.ts';
import { type Batch, Intake, newBatch } from './intake.ts';
import { Line } from './line.ts';
import { Listing } from './listing.ts';
import { Outbox } from './outbox.ts';
import { holds } from './range.ts';
import { readTo, withUnread } from './record.ts';
import type { Store, Stored } from './store.ts';
import { mistaken, type TokenSource } from './token.ts';
import type { Hello, ServerFrame, Snapshot } from './wire.ts';

const PAGE = 200;
const UNREAD_MAX = 1000;
const CATCHING_UP_MS = 1000;
/** Of a backlog in one commit: more would keep what somebody waits for away for too long. */
const STEPS_MAX = 250;
/** What comes in thousands, and what has to stay behind it. All else is merged before it. */
const IN_TURN = new Set(['message', 'caught_up', 'presence', 'typing']);
const FIRST_LIST_MS_MAX = 5_000;
/** Before anything was heard: what is stamped so gives way to everything else. */
const NEVER = 0;

export interface SyncOptions {
  url: string;
  user_id: string;
  device_id: string;
  leader: string;
  store: Store;
  tokens: TokenSource;
  http: Http;
  /** What is stored now, and what happened with it. */
  told: (changes: Change[], signals: Signal[]) => void;
  signal: (signal: Signal) => void;
}

type Step = (batch: Batch) => void;

export class Sync {
  readonly #options: SyncOptions;
  readonly #line: Line;
  readonly #acks = new Acks();
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #listing: Listing;
  /** Frames of the stream, in its order, and everything that does not wait for them. */
  #inTurn: Step[] = [];
  #soon: Step[] = [];
  /** How many frames have come: the time by which presence is known to be newer or older. */
  #arrivals = 0;
  #working = false;
  #opened: string | null = null;
  #traced = false;
  #stopped = false;
  #filling = new Set<string>();
  /** The line waits for the first list that this device ever gets. */
  #isStarting = false;
  /** Nothing was stored here: what there is now, the first list brought. */
  #isNew = false;
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
      frame: (frame) => this.#received(frame),
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
    this.#intake = new Intake(options.user_id, this.#acks, this.#outbox);
    this.#listing = new Listing(
      options.http,
      () => this.#arrivals,
      (entries, at) => {
        for (const entry of entries) this.#step((batch) => this.#intake.list(entry, at, batch));
      },
      // What came meanwhile may be of a conversation that is newer than the list.
      () => this.#step(() => {}),
      (error) => this.#listFailed(error),
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
    for (const one of stored.conversations) this.#intake.records.set(one.conversation_id, one);
    this.#outbox.take(stored.outbox);
    this.#isNew = this.#intake.records.size === 0;
    if (this.#isNew) await this.#listFirst();
    if (!this.#stopped) this.#line.start();
  }

  async #listFirst(): Promise<void> {
    // Whose a cookie is shows in the server's greeting only: nothing is taken before that.
    if (this.#options.tokens.usesCookie) return;
    this.#isStarting = true;
    const token = await this.#options.tokens.current().catch(() => null);
    if (token !== null) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((done) => (timer = setTimeout(done, FIRST_LIST_MS_MAX)));
      await Promise.race([this.#listing.first(), late]);
      clearTimeout(timer);
    }
    this.#isStarting = false;
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
        this.#step((batch) => this.#intake.hold(order.conversation_id, order.messages, batch));
        break;
      case 'made':
        this.#step((batch) => this.#intake.list(order.entry, NEVER, batch));
        break;
      case 'list':
        this.#listing.ask();
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
        this.#lineIs(this.#isStarting ? 'connecting' : this.#line.state);
        break;
    }
  }

  #see(id: string, seq: number): void {
    this.#seen.set(id, Math.max(seq, this.#seen.get(id) ?? 0));
    this.#step((batch) => this.#intake.see(id, seq, batch));
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
    const { linked_at } = hello;
    const isLost = linked_at !== undefined && this.#intake.isOfAnotherLink(linked_at);
    this.#intake.linkedAt = linked_at ?? null;
    if ((!hello.resumed || isLost) && !this.#isNew) {
      // The server knows nothing of this device: its cursors here mean nothing any more, and
      // nothing may be merged behind this that came before it.
      this.#inTurn = [];
      this.#soon = [];
      this.#step((batch) => {
        if (this.#intake.records.size > 0) this.#intake.reset(batch);
      });
    }
    this.#isNew = false;
    for (const [id, seq] of this.#seen) this.#see(id, seq);
    this.#outbox.restart();
    if (this.#opened !== null) this.#line.send({ type: 'open', conversation_id: this.#opened });
    // Cursors are not replayed at connect, and conversations may have come: the list has both.
    this.#listing.restart(hello.server_time);
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

  #listFailed(error: unknown): void {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'offline') this.#problem(code ?? 'internal', message);
  }

  /** Messages of conversations that no list has told of: one that has come since, or is late. */
  #listNews(): void {
    const { unlisted } = this.#intake;
    if (unlisted.size === 0 || this.#listing.isRunning) return;
    unlisted.clear();
    this.#listing.ask();
  }

  #cannotStore(error: unknown): void {
    this.#problem('storage', `this device cannot store messages: ${String(error)}`);
  }

  #problem(code: string, message: string): void {
    this.#options.signal({ kind: 'problem', code, message });
  }

  #received(frame: ServerFrame): void {
    const at = ++this.#arrivals;
    const step: Step = (batch) => this.#intake.take(frame, at, batch);
    if (IN_TURN.has(frame.type)) this.#inTurn.push(step);
    else this.#soon.push(step);
    this.#workSoon();
  }

  #step(step: Step): void {
    this.#soon.push(step);
    this.#workSoon();
  }

  #workSoon(): void {
    if (this.#working) return;
    this.#working = true;
    queueMicrotask(() => void this.#work());
  }

  async #work(): Promise<void> {
    while (this.#soon.length + this.#inTurn.length > 0) {
      const steps = [...this.#soon.splice(0), ...this.#inTurn.splice(0, STEPS_MAX)];
      const before = new Map(this.#intake.records);
      const batch = newBatch();
      for (const step of steps) step(batch);
      try {
        await this.#finish(batch);
      } catch (error) {
        this.#intake.records = before;
        this.#cannotStore(error);
        this.#line.restart();
      }
      this.#listNews();
    }
    this.#working = false;
  }

  async #finish(batch: Batch): Promise<void> {
    for (const id of batch.recount) await this.#count(id, batch);
    const changes = this.#changesOf(batch);
    if (changes.length > 0) await this.#options.store.commit(changes);
    if (changes.length + batch.signals.length > 0) this.#options.told(changes, batch.signals);
    for (const one of batch.gone) this.#outbox.remove(one.client_id);
    for (const id of batch.conversations) {
      if (this.#catchingUp) this.#catchingUp.add(id);
      else this.#acknowledge(id);
    }
    if (batch.caughtUp) this.#caughtUp();
  }

  #changesOf(batch: Batch): Change[] {
    const changes: Change[] = [];
    if (batch.reset) changes.push({ kind: 'reset' });
    for (const [conversation_id, messages] of batch.messages)
      changes.push({ kind: 'messages', conversation_id, messages });
    for (const one of batch.gone) changes.push({ kind: 'outbox_gone', ...one });
    changes.push(...batch.refused);
    for (const id of batch.conversations) {
      const record = this.#intake.records.get(id);
      if (record) changes.push({ kind: 'conversation', record });
    }
    return changes;
  }

  /** After a read that left something unread: how much, where all of it is held. */
  async #count(id: string, batch: Batch): Promise<void> {
    const record = this.#intake.records.get(id);
    if (!record || record.unread === 0) return;
    const from = readTo(record) + 1;
    if (record.head_seq - from >= UNREAD_MAX || !holds(record.spans, from, record.head_seq)) return;
    const stored = await this.#options.store.messages(id, from, record.head_seq);
    const all = new Map(stored.map((message) => [message.seq, message]));
    for (const message of batch.messages.get(id) ?? []) all.set(message.seq, message);
    const unread = [...all.values()].filter(
      (one) => one.seq >= from && one.sender !== this.#options.user_id,
    ).length;
    if (unread === record.unread && record.counted_to >= record.head_seq) return;
    this.#intake.records.set(id, withUnread(record, unread));
    batch.conversations.add(id);
  }

  #acknowledge(id: string): void {
    const record = this.#intake.records.get(id);
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
      const after = this.#intake.records.get(id)?.cursor ?? 0;
      const page = await this.#options.http.get<Snapshot>(path`/conversation/${id}`, {
        after,
        limit: PAGE,
      });
      this.#step((batch) => {
        this.#filling.delete(id);
        this.#intake.fill(id, page.messages, batch);
      });
    } catch {
      // The next socket, or the next message, tries again.
      this.#filling.delete(id);
    }
  }
}
