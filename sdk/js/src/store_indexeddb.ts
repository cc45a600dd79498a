/*
 * store_indexeddb: a store that survives reloads and closed browsers.
 *
 *     conversations  conversation_id         ConversationRecord
 *     messages       [conversation_id, seq]  MessageRecord
 *     outbox         order (made here)       OutboxRecord, indexed by client_id
 *
 * Commits ask for strict durability: an ack tells the server that it may forget this device, so
 * what is acked must outlive a power cut.
 */
import type { Change } from './change.ts';
import type { ConversationRecord, MessageRecord, OutboxRecord } from './record.ts';
import type { Store, Stored } from './store.ts';

const VERSION = 1;
const TABLES = ['conversations', 'messages', 'outbox'] as const;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error ?? new Error('IndexedDB failed'));
    transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB aborted'));
  });
}

function createTables(database: IDBDatabase): void {
  database.createObjectStore('conversations', { keyPath: 'conversation_id' });
  database.createObjectStore('messages', { keyPath: ['conversation_id', 'seq'] });
  const outbox = database.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true });
  outbox.createIndex('client_id', 'client_id', { unique: true });
}

export async function openIndexedDb(name: string): Promise<IndexedDbStore> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => createTables(request.result);
  return new IndexedDbStore(await done(request));
}

export class IndexedDbStore implements Store {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
    // A newer version of the app in another tab must not be kept waiting by this one.
    database.onversionchange = () => database.close();
  }

  #read(table: (typeof TABLES)[number]): IDBObjectStore {
    return this.#database.transaction(table, 'readonly').objectStore(table);
  }

  #write(): IDBTransaction {
    return this.#database.transaction(TABLES, 'readwrite', { durability: 'strict' });
  }

  async load(): Promise<Stored> {
    const conversations = done<ConversationRecord[]>(this.#read('conversations').getAll());
    const outbox = this.outbox();
    return { conversations: await conversations, outbox: await outbox };
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const transaction = this.#write();
    const finished = committed(transaction);
    for (const change of changes) this.#apply(transaction, change);
    await finished;
  }

  #apply(transaction: IDBTransaction, change: Change): void {
    const outbox = transaction.objectStore('outbox');
    switch (change.kind) {
      case 'conversation':
        transaction.objectStore('conversations').put(change.record);
        break;
      case 'messages':
        for (const message of change.messages) transaction.objectStore('messages').put(message);
        break;
      case 'outbox':
        outbox.put(change.record);
        break;
      case 'outbox_gone': {
        const place = outbox.index('client_id').getKey(change.client_id);
        place.onsuccess = () => {
          if (place.result !== undefined) outbox.delete(place.result);
        };
        break;
      }
      case 'reset':
        transaction.objectStore('conversations').clear();
        transaction.objectStore('messages').clear();
        break;
    }
  }

  async addToOutbox(record: Omit<OutboxRecord, 'order'>): Promise<OutboxRecord> {
    const transaction = this.#write();
    const finished = committed(transaction);
    const order = await done(transaction.objectStore('outbox').add(record));
    await finished;
    return { ...record, order: order as number };
  }

  async outbox(): Promise<OutboxRecord[]> {
    return await done<OutboxRecord[]>(this.#read('outbox').getAll());
  }

  async messages(conversation_id: string, from: number, to: number): Promise<MessageRecord[]> {
    const range = IDBKeyRange.bound([conversation_id, from], [conversation_id, to]);
    return await done<MessageRecord[]>(this.#read('messages').getAll(range));
  }

  async erase(): Promise<void> {
    const transaction = this.#write();
    const finished = committed(transaction);
    for (const table of TABLES) transaction.objectStore(table).clear();
    await finished;
  }

  close(): void {
    this.#database.close();
  }
}
