/*
 * record: whatever order news comes in, no cursor and no tick goes back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ConversationRecord,
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
} from '../src/record.ts';
import { tickOf } from '../src/tick.ts';
import type { Entry, WireMessage } from '../src/wire.ts';

const ORDER = ['clock', 'one', 'two', 'blue'];

function message(seq: number, sender = 'bob'): WireMessage {
  return { seq, sender, content: `m${seq}`, timestamp: '2024-01-15T09:42:00.000Z' };
}

function entry(head: number, delivered: number, read: number, mine: number): Entry {
  return {
    conversation_id: 'c',
    kind: 'direct',
    title: null,
    members: ['alice', 'bob'],
    head_seq: head,
    last_message: head > 0 ? message(head) : null,
    unread: 0,
    my_last_read_seq: mine,
    last_delivered_seq: delivered,
    last_read_seq: read,
  };
}

const seq = fc.integer({ min: 1, max: 12 });
const cursor = fc.integer({ min: 0, max: 12 });
type Edit = (record: ConversationRecord) => ConversationRecord;
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ last_delivered_seq: cursor, last_read_seq: cursor }).map(
    (news): Edit =>
      (one) =>
        withCursors(one, news),
  ),
  fc.tuple(cursor, cursor, cursor, cursor).map(
    ([a, b, c, d]): Edit =>
      (one) =>
        withEntry(one, entry(a, b, c, d)),
  ),
  seq.map(
    (n): Edit =>
      (one) =>
        withStreamed(one, message(n), 'alice'),
  ),
  seq.map(
    (n): Edit =>
      (one) =>
        withSent(one, message(n, 'alice')),
  ),
  seq.map(
    (n): Edit =>
      (one) =>
        withSeen(one, n),
  ),
  seq.map(
    (n): Edit =>
      (one) =>
        withOwnRead(one, n),
  ),
  fc.array(seq, { maxLength: 4 }).map(
    (page): Edit =>
      (one) =>
        withPage(
          one,
          [...new Set(page)].sort((a, b) => a - b).map((n) => message(n)),
        ),
  ),
  fc.constant<Edit>(withJoined),
);

test('no cursor goes back, and read <= delivered', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
      let record = newConversation('c', '2024-01-15T09:42:00.000Z');
      for (const one of edits) {
        const next = one(record);
        assert.ok(next.last_delivered_seq >= record.last_delivered_seq);
        assert.ok(next.last_read_seq >= record.last_read_seq);
        assert.ok(next.last_read_seq <= next.last_delivered_seq);
        assert.ok(next.my_last_read_seq >= record.my_last_read_seq);
        assert.ok(readTo(next) >= readTo(record));
        assert.ok(next.head_seq >= record.head_seq);
        assert.ok((next.cursor ?? 0) >= (record.cursor ?? 0));
        assert.ok(next.unread >= 0);
        for (let n = 1; n <= 12; n++) {
          const before = ORDER.indexOf(tickOf(n, record));
          assert.ok(ORDER.indexOf(tickOf(n, next)) >= before, `the tick of ${n} went back`);
        }
        record = next;
      }
    }),
    { numRuns: 500 },
  );
});

test('the cursor stands only behind what is held without a gap', () => {
  let record = newConversation('c', '');
  record = withPage(record, [message(1), message(2)]);
  assert.equal(record.cursor, null, 'a page moves no cursor');
  record = withStreamed(record, message(5), 'alice');
  assert.equal(record.cursor, 5, "the stream's first message says where the device stands");
  record = withSent(record, message(7, 'alice'));
  assert.equal(record.cursor, 5, 'six is missing');
  record = withStreamed(record, message(6), 'alice');
  assert.equal(record.cursor, 7);
});

test('unread counts what others wrote behind the own read cursor', () => {
  let record = newConversation('c', '');
  record = withStreamed(record, message(1), 'alice');
  record = withStreamed(record, message(2), 'alice');
  record = withStreamed(record, message(2), 'alice');
  assert.equal(record.unread, 2, 'a repetition does not count');
  record = withSeen(record, 2);
  assert.equal(record.unread, 0);
  record = withSent(record, message(3, 'alice'));
  assert.equal(record.unread, 0);
  assert.equal(readTo(record), 3, 'an own message right behind what was read is read');
  record = withStreamed(record, message(4), 'alice');
  record = withSent(record, message(5, 'alice'));
  assert.equal(readTo(record), 3, 'one that crosses another is not');
});

test('unread does not forget what a page or an own message overtook', () => {
  let record = withEntry(newConversation('c', ''), entry(2, 0, 0, 2));
  record = withPage(record, [message(3)]);
  assert.equal(record.unread, 0, 'the stream brings it yet');
  record = withSent(record, message(5, 'alice'));
  for (const n of [3, 4]) record = withStreamed(record, message(n), 'alice');
  assert.equal(record.unread, 2);
  record = withEntry(record, { ...entry(5, 0, 0, 2), unread: 2 });
  record = withStreamed(record, message(4), 'alice');
  assert.equal(record.unread, 2, 'the list counted them too');
  record = withStreamed(record, message(6), 'alice');
  record = withEntry(record, { ...entry(5, 0, 0, 2), unread: 2 });
  assert.equal(record.unread, 3, 'an older list takes nothing back');
});
