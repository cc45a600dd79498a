/*
 * record: what a device keeps of a conversation, and how news is merged into it.
 *
 * Everything here is a value and every merge is monotonic: whatever order frames, snapshots, pages
 * and reloads come in, a cursor never goes back, read <= delivered <= head, and so no tick does.
 */
import type { Entry, WireMessage } from './wire.ts';
import { addSeqs, addSpan, type Span } from './range.ts';

export interface MessageRecord extends WireMessage {
  conversation_id: string;
  client_id?: string;
}

/** A message that is not known to be stored by the server yet. */
export interface OutboxRecord {
  /** Rises in the order of sending. */
  order: number;
  client_id: string;
  conversation_id: string;
  content: string;
  at: string;
  /** The head of the conversation when it was written: it will be stored behind that. */
  after_seq: number;
  /** Why the server refused it; null while it is on its way. */
  refusal: { code: string; message: string } | null;
}

/**
 * Whether a page's message may be one that waits here for its answer: pages name no `client_id`.
 * It would be shown twice; its answer will bring it.
 */
export function isWaiting(message: WireMessage, waiting: readonly OutboxRecord[], me: string) {
  if (message.sender !== me) return false;
  return waiting.some((one) => one.content === message.content && message.seq > one.after_seq);
}

export interface ConversationRecord {
  conversation_id: string;
  /** Rises with every change, so that a tab never takes an older one for news. */
  version: number;
  kind: 'direct' | 'group';
  title: string | null;
  members: string[];
  head_seq: number;
  last_message: WireMessage | null;
  unread: number;
  /** `unread` knows of every message up to here. */
  counted_to: number;
  my_last_read_seq: number;
  last_delivered_seq: number;
  last_read_seq: number;
  muted_until: string | null;
  /** Which messages are stored here. */
  spans: Span[];
  /** Everything that this device was handed is stored up to here; null before the first message. */
  cursor: number | null;
  /** How far the user has seen it; may be ahead of what the server has confirmed. */
  read_wanted: number;
  /** When this device first heard of it. */
  added_at: string;
  /** Under which link of this device it was stored; unknown in older ones. */
  linked_at?: string;
}

export function newConversation(conversation_id: string, at: string): ConversationRecord {
  return {
    conversation_id,
    version: 0,
    kind: 'direct',
    title: null,
    members: [],
    head_seq: 0,
    last_message: null,
    unread: 0,
    counted_to: 0,
    my_last_read_seq: 0,
    last_delivered_seq: 0,
    last_read_seq: 0,
    muted_until: null,
    spans: [],
    cursor: null,
    read_wanted: 0,
    added_at: at,
  };
}

/** How far the user has read, by what the server confirmed and what was seen here. */
export function readTo(record: ConversationRecord): number {
  return Math.max(record.my_last_read_seq, record.read_wanted);
}

export interface Cursors {
  last_delivered_seq?: number;
  last_read_seq?: number;
}

/** The others' cursors: only forwards, and what was read was delivered. */
export function withCursors(record: ConversationRecord, news: Cursors): ConversationRecord {
  const read = Math.max(record.last_read_seq, news.last_read_seq ?? 0);
  const delivered = Math.max(record.last_delivered_seq, news.last_delivered_seq ?? 0, read);
  if (read === record.last_read_seq && delivered === record.last_delivered_seq) return record;
  return { ...record, last_read_seq: read, last_delivered_seq: delivered };
}

function withLast(record: ConversationRecord, message: WireMessage | null): ConversationRecord {
  if (!message || message.seq < (record.last_message?.seq ?? 1)) return record;
  const { seq, sender, content, timestamp } = message;
  return {
    ...record,
    head_seq: Math.max(record.head_seq, seq),
    last_message: { seq, sender, content, timestamp },
  };
}

/** The own read cursor as the server knows it. */
export function withOwnRead(record: ConversationRecord, seq: number): ConversationRecord {
  if (seq <= record.my_last_read_seq) return record;
  const next = { ...record, my_last_read_seq: seq };
  return readTo(next) >= next.head_seq ? { ...next, unread: 0 } : next;
}

/** The user has seen every message up to `seq`. */
export function withSeen(record: ConversationRecord, seq: number): ConversationRecord {
  if (seq <= readTo(record)) return record;
  const next = { ...record, read_wanted: seq };
  return seq >= next.head_seq ? { ...next, unread: 0 } : next;
}

/** How much is unread, of all that is known. */
export function withUnread(record: ConversationRecord, unread: number): ConversationRecord {
  return { ...record, unread, counted_to: record.head_seq, version: record.version + 1 };
}

/** An entry of the list. Its count of unread stands where it knows all that is counted here. */
export function withEntry(record: ConversationRecord, entry: Entry): ConversationRecord {
  const knowsAll = entry.head_seq >= record.counted_to && entry.my_last_read_seq >= readTo(record);
  let next: ConversationRecord = {
    ...record,
    kind: entry.kind,
    title: entry.title ?? null,
    members: entry.members,
    head_seq: Math.max(record.head_seq, entry.head_seq),
    muted_until: entry.muted_until ?? null,
    unread: knowsAll ? entry.unread : record.unread,
    counted_to: knowsAll ? entry.head_seq : record.counted_to,
  };
  next = withLast(next, entry.last_message);
  next = withOwnRead(next, entry.my_last_read_seq);
  return withCursors(next, entry);
}

/** Messages of a page or a snapshot, ascending: they are held, and move no cursor. */
export function withPage(
  record: ConversationRecord,
  page: readonly WireMessage[],
): ConversationRecord {
  const last = page.at(-1);
  if (!last) return record;
  const spans = addSeqs(
    record.spans,
    page.map((message) => message.seq),
  );
  return withLast({ ...record, spans, head_seq: Math.max(record.head_seq, last.seq) }, last);
}

/**
 * A message that the stream handed to this device. The stream is ascending and gapless from the
 * device's cursor on, so the first one ever fixes where that cursor stands.
 */
export function withStreamed(
  record: ConversationRecord,
  message: WireMessage,
  me: string,
): ConversationRecord {
  // Not what is above the head: a page, or an own message that overtook it, may have moved that.
  const isNews = message.seq > record.counted_to;
  const isUnread = isNews && message.sender !== me && message.seq > readTo(record);
  const spans = addSpan(record.spans, message.seq, message.seq);
  const next = withLast({ ...record, spans, cursor: record.cursor ?? message.seq }, message);
  return withJoined({
    ...next,
    unread: record.unread + (isUnread ? 1 : 0),
    counted_to: Math.max(record.counted_to, message.seq),
  });
}

/** An own message that the server has stored. */
export function withSent(record: ConversationRecord, message: WireMessage): ConversationRecord {
  const spans = addSpan(record.spans, message.seq, message.seq);
  const next = withLast({ ...record, spans }, message);
  // The server counts an own message as read where everything before it was.
  const seen = readTo(record) === message.seq - 1;
  return withJoined(seen ? { ...next, read_wanted: message.seq } : next);
}

/** Moves the cursor over what is held directly behind it. */
export function withJoined(record: ConversationRecord): ConversationRecord {
  if (record.cursor === null) return record;
  const next = record.cursor + 1;
  const span = record.spans.find((one) => one[0] <= next && next <= one[1]);
  return span ? { ...record, cursor: span[1] } : record;
}
