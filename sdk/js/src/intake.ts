/*
 * intake: what frames, pages and lists change in the records of a device.
 *
 * Everything is merged into a batch first; nothing of it holds before that is stored. Every merge
 * is monotonic (record.ts), so the order in which frames and answers come does not matter.
 */
import type { Acks } from './ack.ts';
import type { Change, Signal } from './change.ts';
import { isPassing } from './error.ts';
import type { Outbox } from './outbox.ts';
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
import {
  type Entry,
  type ErrorFrame,
  type ServerFrame,
  type Status,
  statusOf,
  type WireMessage,
} from './wire.ts';

/** What one commit will hold, and what is told once it is stored. */
export interface Batch {
  conversations: Set<string>;
  messages: Map<string, MessageRecord[]>;
  /** Where the own read cursor moved: what is left unread is to be counted. */
  recount: Set<string>;
  gone: { conversation_id: string; client_id: string }[];
  refused: Change[];
  signals: Signal[];
  reset: boolean;
  caughtUp: boolean;
}

export function newBatch(): Batch {
  return {
    conversations: new Set(),
    messages: new Map(),
    recount: new Set(),
    gone: [],
    refused: [],
    signals: [],
    reset: false,
    caughtUp: false,
  };
}

export class Intake {
  readonly #me: string;
  readonly #acks: Acks;
  readonly #outbox: Outbox;
  records = new Map<string, ConversationRecord>();
  /** Of the link that what comes now belongs to. */
  linkedAt: string | null = null;
  /** Conversations that something came of, and that no list has told of yet. */
  readonly unlisted = new Set<string>();
  /** When the presence of somebody was last heard of, in the time that `at` counts. */
  readonly #heardAt = new Map<string, number>();

  constructor(me: string, acks: Acks, outbox: Outbox) {
    this.#me = me;
    this.#acks = acks;
    this.#outbox = outbox;
  }

  reset(batch: Batch): void {
    this.records.clear();
    batch.reset = true;
  }

  /** Whether something was stored under another link: the hello that said so was lost. */
  isOfAnotherLink(linkedAt: string): boolean {
    for (const { linked_at } of this.records.values())
      if (linked_at !== undefined && linked_at !== linkedAt) return true;
    return false;
  }

  /** The user has seen every message up to `seq`. */
  see(id: string, seq: number, batch: Batch): void {
    this.#edit(batch, id, (one) => withSeen(one, seq));
    batch.recount.add(id);
  }

  /** An entry of the list, asked for (or sent) at `at`. */
  list(entry: Entry, at: number, batch: Batch): void {
    const id = entry.conversation_id;
    const known = this.records.get(id);
    this.#edit(batch, id, (one) => withEntry(one, entry));
    if (known && readTo(known) < entry.my_last_read_seq) batch.recount.add(id);
    this.unlisted.delete(id);
    for (const user_id of entry.members) {
      this.#shown(user_id, statusOf(entry, user_id), at, batch);
    }
  }

  /**
   * A page of history. What is held already stays as it is: it may know more of an own message,
   * its `client_id`.
   */
  hold(id: string, page: readonly WireMessage[], batch: Batch): void {
    const spans = this.records.get(id)?.spans ?? [];
    const waiting = this.#outbox.waiting(id);
    const messages = page.filter((one) => !isWaiting(one, waiting, this.#me));
    for (const message of messages)
      if (!holds(spans, message.seq, message.seq)) this.#put(batch, id, message);
    this.#edit(batch, id, (one) => withPage(one, messages));
  }

  /** A page that was fetched to close a gap in the stream. */
  fill(id: string, page: readonly WireMessage[], batch: Batch): void {
    this.hold(id, page, batch);
    this.#edit(batch, id, withJoined);
  }

  take(frame: ServerFrame, at: number, batch: Batch): void {
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
        batch.recount.add(frame.conversation_id);
        break;
      case 'presence': {
        const status = frame.status ?? statusOf(frame, frame.user_id);
        this.#shown(frame.user_id, status, at, batch);
        break;
      }
      case 'typing': {
        const { conversation_id, user_id } = frame;
        batch.signals.push({ kind: 'typing', conversation_id, user_id });
        break;
      }
      case 'conversation_added':
        this.list(frame.conversation, at, batch);
        break;
      case 'conversation':
        this.#opened(frame, at, batch);
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

  /** An answer that was asked for before something newer was heard says nothing. */
  #shown(user_id: string, status: Status | undefined, at: number, batch: Batch): void {
    if (!status || at < (this.#heardAt.get(user_id) ?? at)) return;
    this.#heardAt.set(user_id, at);
    batch.signals.push({ kind: 'presence', user_id, status });
  }

  #edit(batch: Batch, id: string, edit: (record: ConversationRecord) => ConversationRecord): void {
    const known = this.records.get(id);
    const record = known ?? newConversation(id, new Date().toISOString());
    const edited = edit(record);
    if (edited === known) return;
    const link = this.linkedAt === null ? {} : { linked_at: this.linkedAt };
    this.records.set(id, { ...edited, ...link, version: record.version + 1 });
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

  #noteUnlisted(id: string): void {
    if ((this.records.get(id)?.members.length ?? 0) === 0) this.unlisted.add(id);
  }

  #arrived(frame: Extract<ServerFrame, { type: 'message' }>, batch: Batch): void {
    const id = frame.conversation_id;
    const known = this.records.get(id);
    // The list may have told of it before; what counts is whether this device holds it.
    const isNews = known === undefined || !holds(known.spans, frame.seq, frame.seq);
    this.#put(batch, id, frame);
    this.#edit(batch, id, (one) => withStreamed(one, frame, this.#me));
    this.#acks.handed(id);
    batch.conversations.add(id);
    this.#noteUnlisted(id);
    const mine = frame.client_id !== undefined ? this.#outbox.find(frame.client_id) : undefined;
    if (mine && frame.sender === this.#me) this.#sent(mine.client_id, frame, batch);
    if (isNews && frame.sender !== this.#me) {
      const { seq, sender, content, timestamp } = frame;
      const message = { seq, sender, content, timestamp };
      batch.signals.push({ kind: 'arrived', conversation_id: id, message });
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
    const message = { seq, sender: this.#me, content: record.content, timestamp };
    this.#put(batch, conversation_id, { ...message, client_id });
    this.#edit(batch, conversation_id, (one) => withSent(one, message));
    batch.gone.push({ conversation_id, client_id });
    batch.signals.push({ kind: 'sent', client_id, conversation_id, seq, timestamp });
  }

  #opened(frame: Extract<ServerFrame, { type: 'conversation' }>, at: number, batch: Batch): void {
    const id = frame.conversation_id;
    const members = frame.members ?? [];
    this.hold(id, frame.messages, batch);
    this.#edit(batch, id, (one) => withCursors(withOwnRead(one, frame.my_last_read_seq), frame));
    batch.recount.add(id);
    this.#noteUnlisted(id);
    for (const { user_id, status } of members) this.#shown(user_id, status, at, batch);
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
