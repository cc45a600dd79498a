/*
 * store_memory: a store that lives as long as the process; what Node gets unless told otherwise.
 */
import type { Change } from './change.ts';
import type { ConversationRecord, MessageRecord, OutboxRecord } from './record.ts';
import type { Store, Stored } from './store.ts';

export class MemoryStore implements Store {
  readonly #conversations = new Map<string, ConversationRecord>();
  readonly #messages = new Map<string, Map<number, MessageRecord>>();
  readonly #outbox = new Map<string, OutboxRecord>();
  #order = 0;

  async load(): Promise<Stored> {
    return { conversations: [...this.#conversations.values()], outbox: await this.outbox() };
  }

  async commit(changes: readonly Change[]): Promise<void> {
    for (const change of changes) this.#apply(change);
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'conversation':
        this.#conversations.set(change.record.conversation_id, change.record);
        break;
      case 'messages': {
        let held = this.#messages.get(change.conversation_id);
        if (!held) this.#messages.set(change.conversation_id, (held = new Map()));
        for (const message of change.messages) held.set(message.seq, message);
        break;
      }
      case 'outbox':
        this.#outbox.set(change.record.client_id, change.record);
        break;
      case 'outbox_gone':
        this.#outbox.delete(change.client_id);
        break;
      case 'reset':
        this.#conversations.clear();
        this.#messages.clear();
        break;
    }
  }

  async addToOutbox(record: Omit<OutboxRecord, 'order'>): Promise<OutboxRecord> {
    const placed = { ...record, order: ++this.#order };
    this.#outbox.set(placed.client_id, placed);
    return placed;
  }

  async outbox(): Promise<OutboxRecord[]> {
    return [...this.#outbox.values()].sort((a, b) => a.order - b.order);
  }

  async messages(conversation_id: string, from: number, to: number): Promise<MessageRecord[]> {
    const held = this.#messages.get(conversation_id);
    if (!held) return [];
    const found: MessageRecord[] = [];
    for (let seq = from; seq <= to; seq++) {
      const message = held.get(seq);
      if (message) found.push(message);
    }
    return found;
  }

  async erase(): Promise<void> {
    this.#apply({ kind: 'reset' });
    this.#outbox.clear();
  }

  close(): void {}
}
