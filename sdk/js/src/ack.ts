/*
 * ack: which acks are due on this socket.
 *
 * `delivered` says no more than what is stored without a gap, `read` no more than what was seen
 * and, where the stream's cursor is known, has been handed to this device: anything beyond it the
 * server refuses. A refused ack is repeated when the stream has come further.
 */
import { type ConversationRecord, readTo } from './record.ts';
import type { ClientFrame } from './wire.ts';

interface Told {
  delivered: number;
  read: number;
}

export class Acks {
  readonly #told = new Map<string, Told>();
  readonly #handed = new Set<string>();

  /** A new socket: nothing was said on it. */
  reset(): void {
    this.#told.clear();
    this.#handed.clear();
  }

  /**
   * This socket brought a message of that conversation: without one there is nothing to confirm,
   * and with one there is, even if it is stored since long: the server has not heard so.
   */
  handed(conversation_id: string): void {
    this.#handed.add(conversation_id);
  }

  #of(conversation_id: string): Told {
    let told = this.#told.get(conversation_id);
    if (!told) this.#told.set(conversation_id, (told = { delivered: 0, read: 0 }));
    return told;
  }

  /** The server takes no more than `limit` for now. */
  refused(conversation_id: string, limit: number): void {
    const told = this.#of(conversation_id);
    told.delivered = Math.min(told.delivered, limit);
    told.read = Math.min(told.read, limit);
  }

  /** What is to be sent now, and is held to have been sent. */
  due(record: ConversationRecord): ClientFrame[] {
    const { conversation_id } = record;
    const told = this.#of(conversation_id);
    const frames: ClientFrame[] = [];
    const read = Math.min(readTo(record), record.cursor ?? record.head_seq);
    const wantsRead = read > record.my_last_read_seq && read > told.read;
    if (wantsRead) told.read = read;
    if (
      record.cursor !== null &&
      record.cursor > told.delivered &&
      this.#handed.has(conversation_id)
    ) {
      told.delivered = record.cursor;
      frames.push({ type: 'delivered', conversation_id, seq: record.cursor });
    }
    if (wantsRead) frames.push({ type: 'read', conversation_id, seq: read });
    return frames;
  }
}
