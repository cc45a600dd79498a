/*
 * model: what one tab shows, made of the changes and signals that it hears. All tabs hear the same.
 */
import type { Change, LineState, Signal } from './change.ts';
import { type ConversationRecord, type OutboxRecord, readTo } from './record.ts';
import type { Stored } from './store.ts';
import { type Tick, tickOf } from './tick.ts';
import type { Status, WireMember } from './wire.ts';

/** A conversation as a list shows it. */
export interface Conversation {
  readonly id: string;
  readonly kind: 'direct' | 'group';
  readonly title: string | null;
  readonly members: readonly string[];
  /** In a direct conversation the other one. */
  readonly peer: string | null;
  readonly headSeq: number;
  readonly unread: number;
  readonly myLastReadSeq: number;
  readonly lastDeliveredSeq: number;
  readonly lastReadSeq: number;
  readonly mutedUntil: string | null;
  /** The newest message, one's own unsent ones included; its tick if it is one's own. */
  readonly last: { sender: string; content: string; at: string; tick: Tick | null } | null;
  readonly activeAt: string;
}

const TYPING_MS = 5_000;

export class Model {
  readonly me: string;
  line: LineState = 'connecting';
  leader: string | null = null;
  readonly records = new Map<string, ConversationRecord>();
  readonly outbox = new Map<string, OutboxRecord[]>();
  readonly presence = new Map<string, Status>();
  readonly members = new Map<string, WireMember[]>();
  readonly #typing = new Map<string, Map<string, number>>();
  readonly #views = new Map<string, Conversation>();

  constructor(me: string) {
    this.me = me;
  }

  /** The conversations that look different now; null for all of them. */
  apply(changes: readonly Change[]): Set<string> | null {
    const touched = new Set<string>();
    for (const change of changes) {
      switch (change.kind) {
        case 'conversation':
          if (this.#isNews(change.record)) touched.add(change.record.conversation_id);
          break;
        case 'outbox':
          this.#queue(change.record);
          touched.add(change.record.conversation_id);
          break;
        case 'outbox_gone':
          this.#unqueue(change.conversation_id, change.client_id);
          touched.add(change.conversation_id);
          break;
        case 'messages':
          touched.add(change.conversation_id);
          for (const one of change.messages) this.#stopTyping(one.conversation_id, one.sender);
          break;
        case 'reset':
          this.records.clear();
          this.#views.clear();
          return null;
      }
    }
    for (const id of touched) this.#views.delete(id);
    return touched;
  }

  /** What two tabs tell, or one and the store, may cross; what is newer stands. */
  #isNews(record: ConversationRecord): boolean {
    const known = this.records.get(record.conversation_id);
    if (known && known.version >= record.version) return false;
    this.records.set(record.conversation_id, record);
    return true;
  }

  /** The changes that lead from what is shown to what is stored. */
  towards({ conversations, outbox }: Stored): Change[] {
    const stored = new Set(outbox.map((record) => record.client_id));
    const gone = [...this.outbox.values()].flat().filter((one) => !stored.has(one.client_id));
    return [
      ...gone.map(({ conversation_id, client_id }): Change => {
        return { kind: 'outbox_gone', conversation_id, client_id };
      }),
      ...conversations.map((record): Change => ({ kind: 'conversation', record })),
      ...outbox.map((record): Change => ({ kind: 'outbox', record })),
    ];
  }

  #queue(record: OutboxRecord): void {
    const others = (this.outbox.get(record.conversation_id) ?? []).filter(
      (one) => one.client_id !== record.client_id,
    );
    const all = [...others, record].sort((a, b) => a.order - b.order);
    this.outbox.set(record.conversation_id, all);
  }

  #unqueue(conversation_id: string, client_id: string): void {
    const all = this.outbox.get(conversation_id) ?? [];
    const rest = all.filter((one) => one.client_id !== client_id);
    if (rest.length > 0) this.outbox.set(conversation_id, rest);
    else this.outbox.delete(conversation_id);
  }

  hear(signal: Signal, nowMs: number): void {
    if (signal.kind === 'line') {
      this.line = signal.state;
      this.leader = signal.leader;
      // What was known of others is old now; it comes anew with the next line.
      if (signal.state !== 'online') this.presence.clear();
    } else if (signal.kind === 'presence') {
      this.presence.set(signal.user_id, signal.status);
    } else if (signal.kind === 'opened') {
      this.members.set(signal.conversation_id, signal.members);
    } else if (signal.kind === 'typing') {
      let who = this.#typing.get(signal.conversation_id);
      if (!who) this.#typing.set(signal.conversation_id, (who = new Map()));
      who.set(signal.user_id, nowMs + TYPING_MS);
    }
  }

  #stopTyping(conversation_id: string, user_id: string): void {
    this.#typing.get(conversation_id)?.delete(user_id);
  }

  /** Who is typing now, and when that is to be looked at again. */
  typing(conversation_id: string, nowMs: number): { users: string[]; untilMs: number } {
    const who = [...(this.#typing.get(conversation_id) ?? [])].filter(([, until]) => until > nowMs);
    return {
      users: who.map(([user]) => user),
      untilMs: Math.min(...who.map(([, until]) => until)),
    };
  }

  conversation(id: string): Conversation | undefined {
    const known = this.#views.get(id);
    if (known) return known;
    const record = this.records.get(id);
    if (!record) return undefined;
    const view = this.#view(record);
    this.#views.set(id, view);
    return view;
  }

  #view(record: ConversationRecord): Conversation {
    const waiting = this.outbox.get(record.conversation_id)?.at(-1);
    const stored = record.last_message;
    let last: Conversation['last'] = null;
    // One that was refused does not hide what came since.
    const isNewest = !waiting?.refusal || !stored || waiting.at > stored.timestamp;
    if (waiting && isNewest) {
      const tick = waiting.refusal ? 'failed' : 'clock';
      last = { sender: this.me, content: waiting.content, at: waiting.at, tick };
    } else if (stored) {
      const tick = stored.sender === this.me ? tickOf(stored.seq, record) : null;
      last = { sender: stored.sender, content: stored.content, at: stored.timestamp, tick };
    }
    const others = record.members.filter((member) => member !== this.me);
    return {
      id: record.conversation_id,
      kind: record.kind,
      title: record.title,
      members: record.members,
      peer: record.kind === 'direct' ? (others[0] ?? null) : null,
      headSeq: record.head_seq,
      unread: record.unread,
      myLastReadSeq: readTo(record),
      lastDeliveredSeq: record.last_delivered_seq,
      lastReadSeq: record.last_read_seq,
      mutedUntil: record.muted_until,
      last,
      activeAt: last?.at ?? record.added_at,
    };
  }

  /** Newest activity first. */
  conversations(): Conversation[] {
    const all = [...this.records.keys()].map((id) => this.conversation(id)!);
    return all
      .filter((one) => one.members.length > 0)
      .sort((a, b) => (a.activeAt < b.activeAt ? 1 : a.activeAt > b.activeAt ? -1 : 0));
  }
}
