/*
 * outbox: in order, one at a time per conversation, again after a broken line.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../src/outbox.ts';
import type { OutboxRecord } from '../src/record.ts';
import type { ClientFrame } from '../src/wire.ts';

function record(order: number, conversation_id = 'c'): OutboxRecord {
  const client_id = `${conversation_id}${order}`;
  const at = '';
  return { order, client_id, conversation_id, content: client_id, at, after_seq: 0, refusal: null };
}

function stage() {
  const sent: string[] = [];
  const line = { up: true };
  const outbox = new Outbox(
    (frame: ClientFrame) => {
      if (line.up && frame.type === 'send') sent.push(frame.client_id);
      return line.up;
    },
    () => assert.fail('nobody is silent'),
  );
  return { outbox, sent, line };
}

test('one at a time, in order; conversations do not wait for each other', () => {
  const { outbox, sent } = stage();
  outbox.take([record(1), record(2), record(3, 'd')]);
  assert.deepEqual(sent, ['c1', 'd3']);
  outbox.remove('c1');
  assert.deepEqual(sent, ['c1', 'd3', 'c2']);
  outbox.pause();
});

test('what was on its way when the line broke goes first on the next', () => {
  const { outbox, sent, line } = stage();
  outbox.take([record(1), record(2)]);
  line.up = false;
  outbox.pause();
  outbox.take([record(1), record(2), record(3)]);
  assert.deepEqual(sent, ['c1']);
  line.up = true;
  outbox.restart();
  outbox.remove('c1');
  outbox.remove('c2');
  assert.deepEqual(sent, ['c1', 'c1', 'c2', 'c3']);
  outbox.pause();
});

test('one that is put off is not overtaken', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { outbox, sent } = stage();
  outbox.take([record(1), record(2)]);
  outbox.putOff('c1', 100);
  outbox.sendAll();
  assert.deepEqual(sent, ['c1']);
  t.mock.timers.tick(600);
  assert.deepEqual(sent, ['c1', 'c1']);
  outbox.pause();
});

test('a refused one lets the next go', () => {
  const { outbox, sent } = stage();
  outbox.take([record(1), record(2)]);
  outbox.take([{ ...record(1), refusal: { code: 'invalid_argument', message: '' } }, record(2)]);
  assert.deepEqual(sent, ['c1', 'c2']);
  outbox.pause();
});
