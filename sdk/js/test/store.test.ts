/*
 * store: one contract for memory and IndexedDB.
 */
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../src/change.ts';
import { newConversation } from '../src/record.ts';
import type { Store } from '../src/store.ts';
import { openIndexedDb } from '../src/store_indexeddb.ts';
import { MemoryStore } from '../src/store_memory.ts';

let count = 0;
const kinds: [string, () => Promise<Store>][] = [
  ['memory', async () => new MemoryStore()],
  ['IndexedDB', () => openIndexedDb(`test ${count++}`)],
];

function waiting(client_id: string) {
  const rest = { at: '', after_seq: 0, refusal: null };
  return { client_id, conversation_id: 'c', content: client_id, ...rest };
}

function messages(...seqs: number[]): Change {
  return {
    kind: 'messages',
    conversation_id: 'c',
    messages: seqs.map((seq) => ({
      conversation_id: 'c',
      seq,
      sender: 'bob',
      content: `m${seq}\u0000`,
      timestamp: '',
    })),
  };
}

for (const [name, open] of kinds) {
  test(`${name}: messages come back in order, and only those asked for`, async () => {
    const store = await open();
    await store.commit([messages(3, 1, 2), messages(10)]);
    const found = await store.messages('c', 2, 10);
    assert.deepEqual(
      found.map((one) => [one.seq, one.content]),
      [
        [2, 'm2\u0000'],
        [3, 'm3\u0000'],
        [10, 'm10\u0000'],
      ],
    );
    assert.deepEqual(await store.messages('d', 1, 10), []);
    store.close();
  });

  test(`${name}: the outbox keeps its order, over a refusal and a retry too`, async () => {
    const store = await open();
    const first = await store.addToOutbox(waiting('a'));
    await store.addToOutbox(waiting('b'));
    assert.ok(first.order > 0);
    const refusal = { code: 'x', message: '' };
    await store.commit([{ kind: 'outbox', record: { ...first, refusal } }]);
    await store.commit([{ kind: 'outbox', record: first }]);
    const ids = async () => (await store.outbox()).map((one) => one.client_id);
    assert.deepEqual(await ids(), ['a', 'b']);
    await store.commit([{ kind: 'outbox_gone', conversation_id: 'c', client_id: 'a' }]);
    assert.deepEqual(await ids(), ['b']);
    await store.commit([{ kind: 'outbox_gone', conversation_id: 'c', client_id: 'unknown' }]);
    assert.deepEqual(await ids(), ['b']);
    store.close();
  });

  test(`${name}: a reset forgets conversations and keeps what is to be sent`, async () => {
    const store = await open();
    const record = newConversation('c', '');
    await store.commit([{ kind: 'conversation', record }, messages(1)]);
    await store.addToOutbox(waiting('a'));
    assert.deepEqual((await store.load()).conversations, [record]);
    await store.commit([{ kind: 'reset' }]);
    const { conversations, outbox } = await store.load();
    assert.deepEqual(conversations, []);
    assert.equal(outbox.length, 1);
    assert.deepEqual(await store.messages('c', 1, 9), []);
    await store.erase();
    assert.deepEqual((await store.load()).outbox, []);
    store.close();
  });
}

test('IndexedDB: what was stored is there when it is opened again', async () => {
  const store = await openIndexedDb('again');
  await store.commit([messages(1)]);
  await store.addToOutbox(waiting('a'));
  store.close();
  const again = await openIndexedDb('again');
  assert.equal((await again.messages('c', 1, 1)).length, 1);
  assert.equal((await again.outbox())[0]!.client_id, 'a');
  again.close();
});
