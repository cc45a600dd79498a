/*
 * ack: what is acked is stored, was handed out here, and is said once per socket.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acks } from '../src/ack.ts';
import { newConversation } from '../src/record.ts';

const base = { ...newConversation('c', ''), head_seq: 9 };

test('nothing was handed out: nothing to confirm', () => {
  const acks = new Acks();
  assert.deepEqual(acks.due({ ...base, cursor: 5 }), []);
  acks.handed('c');
  const delivered = { type: 'delivered', conversation_id: 'c', seq: 5 };
  assert.deepEqual(acks.due({ ...base, cursor: 5 }), [delivered]);
  assert.deepEqual(acks.due({ ...base, cursor: 5 }), [], 'once');
  acks.reset();
  acks.handed('c');
  assert.deepEqual(acks.due({ ...base, cursor: 5 }), [delivered], 'and again on the next socket');
});

test('read says no more than what was handed out', () => {
  const acks = new Acks();
  acks.handed('c');
  const record = { ...base, cursor: 5, read_wanted: 8 };
  assert.deepEqual(acks.due(record), [
    { type: 'delivered', conversation_id: 'c', seq: 5 },
    { type: 'read', conversation_id: 'c', seq: 5 },
  ]);
  assert.deepEqual(acks.due({ ...record, cursor: 9 }), [
    { type: 'delivered', conversation_id: 'c', seq: 9 },
    { type: 'read', conversation_id: 'c', seq: 8 },
  ]);
});

test('a refused ack is repeated', () => {
  const acks = new Acks();
  const record = { ...base, read_wanted: 8 };
  assert.equal(acks.due(record).length, 1);
  acks.refused('c', 6);
  assert.deepEqual(acks.due(record), [{ type: 'read', conversation_id: 'c', seq: 8 }]);
  assert.deepEqual(acks.due({ ...record, my_last_read_seq: 8 }), [], 'what is confirmed is not');
});
