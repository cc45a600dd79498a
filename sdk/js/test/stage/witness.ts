/*
 * witness: a store that knows what was truly stored on a device, and that can fail as a full disk
 * does.
 */
import type { Change } from '../../src/change.ts';
import type { MessageRecord, OutboxRecord } from '../../src/record.ts';
import type { Store, Stored } from '../../src/store.ts';

/** What a device holds, whichever of its tabs stored it. */
export class Disk {
  readonly held = new Set<number>();
  failures = 0;
}

export class WitnessStore implements Store {
  readonly #store: Store;
  readonly #disk: Disk;

  constructor(store: Store, disk: Disk) {
    this.#store = store;
    this.#disk = disk;
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (this.#disk.failures > 0) {
      this.#disk.failures--;
      throw new Error('the disk is full');
    }
    await this.#store.commit(changes);
    for (const change of changes) {
      if (change.kind === 'messages')
        for (const { seq } of change.messages) this.#disk.held.add(seq);
    }
  }

  load(): Promise<Stored> {
    return this.#store.load();
  }

  addToOutbox(record: Omit<OutboxRecord, 'order'>): Promise<OutboxRecord> {
    return this.#store.addToOutbox(record);
  }

  outbox(): Promise<OutboxRecord[]> {
    return this.#store.outbox();
  }

  messages(conversation_id: string, from: number, to: number): Promise<MessageRecord[]> {
    return this.#store.messages(conversation_id, from, to);
  }

  erase(): Promise<void> {
    return this.#store.erase();
  }

  close(): void {
    this.#store.close();
  }
}
