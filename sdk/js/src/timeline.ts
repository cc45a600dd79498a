/*
 * timeline: the part of a conversation that is on screen: a window of messages that slides.
 *
 * It holds a bounded run of messages around where the reader is, however long the conversation is.
 * At the end of the conversation it follows: new messages join it. Elsewhere they do not; `isAtEnd`
 * says which, and `toEnd` goes there.
 */
import type { Change } from './change.ts';
import { Emitter } from './emitter.ts';
import type { MessageRecord, OutboxRecord } from './record.ts';
import { type Tick, tickOf } from './tick.ts';

/** A message as it is shown. */
export interface Message {
  /** Stays the same from the moment of writing on: `client_id` where there is one, else the seq. */
  readonly key: string;
  /** null while it is not known to be stored. */
  readonly seq: number | null;
  readonly clientId: string | null;
  readonly sender: string;
  readonly content: string;
  /** When it was stored, or written where it is not yet: RFC 3339. */
  readonly at: string;
  /** null for other people's messages. */
  readonly tick: Tick | null;
  readonly refusal: { code: string; message: string } | null;
}

export interface TimelineSource {
  readonly me: string;
  /** Where the conversation's cursors stand now. */
  cursors(): {
    headSeq: number;
    lastDeliveredSeq: number;
    lastReadSeq: number;
    myLastReadSeq: number;
  };
  /** One's own messages that are not stored yet, in order. */
  waiting(): readonly OutboxRecord[];
  /** At most `limit` messages right before / after `seq`, ascending; from here or the server. */
  page(where: { before: number } | { after: number }, limit: number): Promise<MessageRecord[]>;
}

export interface TimelineEvents {
  /** Its messages look different. */
  change: Timeline;
}

const PAGE = 50;
const WINDOW_MAX = 250;

function ascending(messages: readonly MessageRecord[]): MessageRecord[] {
  const bySeq = new Map(messages.map((message) => [message.seq, message]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/**
 * The window with what came: everything from its first message on, and what joins that one without
 * a gap from below. `isApart`: an own message that was just sent lies further below, since others'
 * overtook it.
 */
function join(
  window: readonly MessageRecord[],
  found: readonly MessageRecord[],
): { joined: MessageRecord[]; isApart: boolean } {
  const down = [...found].sort((a, b) => b.seq - a.seq);
  let lowest = window[0]?.seq ?? down.at(-1)?.seq ?? 1;
  const fitting = down.filter((one) => {
    if (one.seq < lowest - 1) return false;
    lowest = Math.min(lowest, one.seq);
    return true;
  });
  const rest = down.slice(fitting.length);
  const joined = ascending([...window, ...fitting]);
  return { joined, isApart: rest.some((one) => one.client_id !== undefined) };
}

/**
 * The part of a conversation that is on screen; `client.timeline(id)` gives it. Its window holds at
 * most 250 messages. Loading rejects as `client.history` does.
 */
export class Timeline extends Emitter<TimelineEvents> {
  readonly #source: TimelineSource;
  #stored: MessageRecord[] = [];
  #shown: Message[] | null = null;
  #follows = true;
  #loading: Promise<void> | null = null;

  constructor(source: TimelineSource) {
    super();
    this.#source = source;
  }

  /** Ascending; one's own unsent messages are last, where the window is at the end. */
  get messages(): readonly Message[] {
    this.#shown ??= this.#show();
    return this.#shown;
  }

  /** Whether the newest message is in the window, and new ones will be. */
  get isAtEnd(): boolean {
    return this.#follows;
  }

  /** Whether the very first message is in the window. */
  get isAtStart(): boolean {
    const first = this.#stored[0];
    return first ? first.seq === 1 : this.#source.cursors().headSeq === 0;
  }

  /** Starts at the first unread message, with some before it, or at the end. */
  async load(): Promise<void> {
    const { headSeq, myLastReadSeq } = this.#source.cursors();
    if (myLastReadSeq < headSeq - PAGE) await this.#around(myLastReadSeq + 1);
    else await this.#end();
  }

  /** Goes to a message: some before it, and what follows. */
  async to(seq: number): Promise<void> {
    if (this.#stored.some((message) => message.seq === seq)) return;
    await this.#around(seq);
  }

  /** Goes to the newest message. */
  async toEnd(): Promise<void> {
    if (!this.#follows) await this.#end();
  }

  async #end(): Promise<void> {
    const { headSeq } = this.#source.cursors();
    const page = await this.#source.page({ before: headSeq + 1 }, PAGE);
    this.#follows = true;
    // What the window holds, or what came while the page was fetched, stays if it joins the page.
    const first = page[0]?.seq ?? 0;
    const newest = page.at(-1)?.seq ?? 0;
    const joins = (this.#stored.at(-1)?.seq ?? 0) >= first - 1;
    const kept = joins ? this.#stored : this.#stored.filter((one) => one.seq > newest);
    this.#set([...kept, ...page]);
  }

  /** The line is up again: what could not be fetched meanwhile can be now. */
  async refresh(): Promise<void> {
    if (this.#follows) await this.#end();
  }

  async #around(seq: number): Promise<void> {
    const [before, after] = await Promise.all([
      this.#source.page({ before: seq }, PAGE / 2),
      this.#source.page({ after: seq - 1 }, PAGE),
    ]);
    const all = [...before, ...after];
    this.#follows = (all.at(-1)?.seq ?? 0) >= this.#source.cursors().headSeq;
    this.#set(all);
  }

  /** Adds older messages in front; resolves when they are there. */
  loadOlder(): Promise<void> {
    return this.#once(async () => {
      const first = this.#stored[0];
      if (!first || first.seq <= 1) return;
      const page = await this.#source.page({ before: first.seq }, PAGE);
      const all = [...page, ...this.#stored];
      if (all.length > WINDOW_MAX) this.#follows = false;
      this.#set(all.slice(0, WINDOW_MAX));
    });
  }

  /** Adds newer messages at the end; nothing where the newest is there. */
  loadNewer(): Promise<void> {
    return this.#once(async () => {
      const last = this.#stored.at(-1);
      if (!last || this.#follows) return;
      const page = await this.#source.page({ after: last.seq }, PAGE);
      const all = [...this.#stored, ...page];
      const end = all.at(-1)?.seq ?? 0;
      this.#follows = end >= this.#source.cursors().headSeq;
      this.#set(all.slice(-WINDOW_MAX));
    });
  }

  #once(load: () => Promise<void>): Promise<void> {
    this.#loading ??= load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  #set(messages: MessageRecord[]): void {
    this.#stored = ascending(messages);
    this.touch();
  }

  /** Called by the client: something of this conversation changed. */
  apply(changes: readonly Change[], conversationId: string): void {
    const found: MessageRecord[] = [];
    for (const change of changes) {
      if (change.kind === 'reset') this.#stored = [];
      if (change.kind === 'messages' && change.conversation_id === conversationId)
        found.push(...change.messages);
    }
    if (!this.#follows || found.length === 0) {
      this.touch();
      return;
    }
    const { joined, isApart } = join(this.#stored, found);
    this.#set(joined.slice(-WINDOW_MAX));
    // It was shown as waiting, and must not vanish: the window is read again, and holds it.
    if (isApart) void this.refresh().catch(() => undefined);
  }

  /** Called by the client: something that is drawn from may be different. */
  touch(): void {
    this.#shown = null;
    this.emit('change', this);
  }

  #show(): Message[] {
    const cursors = this.#source.cursors();
    const ends = {
      last_delivered_seq: cursors.lastDeliveredSeq,
      last_read_seq: cursors.lastReadSeq,
    };
    const shown = this.#stored.map((one): Message => ({
      key: one.client_id ?? `${one.seq}`,
      seq: one.seq,
      clientId: one.client_id ?? null,
      sender: one.sender,
      content: one.content,
      at: one.timestamp,
      tick: one.sender === this.#source.me ? tickOf(one.seq, ends) : null,
      refusal: null,
    }));
    if (!this.#follows) return shown;
    for (const one of this.#source.waiting()) {
      shown.push({
        key: one.client_id,
        seq: null,
        clientId: one.client_id,
        sender: this.#source.me,
        content: one.content,
        at: one.at,
        tick: one.refusal ? 'failed' : 'clock',
        refusal: one.refusal,
      });
    }
    return shown;
  }
}
