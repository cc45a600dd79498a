/*
 * index: what the library offers.
 */
export { Backoff, type BackoffOptions } from './backoff.ts';
export type { LineState, PassedFrame } from './change.ts';
export { Client, connect } from './client.ts';
export type { ClientEvents, ClientOptions, NewConversation, Sent } from './client_types.ts';
export { Emitter, type Listener } from './emitter.ts';
export { TwoTicksError } from './error.ts';
export type { Conversation } from './model.ts';
export type { PushAddress, PushWorker } from './push.ts';
export type { Where } from './reading.ts';
export type { ConversationRecord, MessageRecord, OutboxRecord } from './record.ts';
export type { Change } from './change.ts';
export type { Store, Stored } from './store.ts';
export { IndexedDbStore, openIndexedDb } from './store_indexeddb.ts';
export { MemoryStore } from './store_memory.ts';
export type { Message, Timeline } from './timeline.ts';
export { type Tick, tickOf } from './tick.ts';
export type { TokenProvider } from './token.ts';
export type * from './wire.ts';
