/*
 * store: what a device keeps. A commit is all or nothing, and done only when it is durable.
 */
import type { Change } from './change.ts';
import type { ConversationRecord, MessageRecord, OutboxRecord } from './record.ts';

export interface Stored {
  conversations: ConversationRecord[];
  /** In the order of sending. */
  outbox: OutboxRecord[];
}

export interface Store {
  load(): Promise<Stored>;
  /** Applies all of the changes or, failing, none. */
  commit(changes: readonly Change[]): Promise<void>;
  /** Adds to the outbox and gives the record its place in the order. */
  addToOutbox(record: Omit<OutboxRecord, 'order'>): Promise<OutboxRecord>;
  outbox(): Promise<OutboxRecord[]>;
  /** The stored ones with from <= seq <= to, ascending. */
  messages(conversation_id: string, from: number, to: number): Promise<MessageRecord[]>;
  /** Forgets everything, the outbox too. */
  erase(): Promise<void>;
  close(): void;
}
