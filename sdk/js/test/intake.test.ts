/*
 * intake: what is merged, and what is told; whatever order answers and frames come in.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acks } from '../src/ack.ts';
import { Intake, newBatch } from '../src/intake.ts';
import { Outbox } from '../src/outbox.ts';
import type { Entry, ServerFrame } from '../src/wire.ts';

const CONVERSATION = 'c1';

function entryWith(online: boolean): Entry {
  return {
    conversation_id: CONVERSATION,
    kind: 'direct',
    title: null,
    members: ['alice', 'bob'],
    head_seq: 0,
    last_message: null,
    unread: 0,
    my_last_read_seq: 0,
    last_delivered_seq: 0,
    last_read_seq: 0,
    active_at: '2026-01-01T00:00:00.000Z',
    muted_until: null,
    bob_status: { online },
  } as Entry;
}

function presenceOf(online: boolean): ServerFrame {
  const status = { online };
  return { type: 'presence', conversation_id: CONVERSATION, user_id: 'bob', status } as ServerFrame;
}

function intakeOfAlice() {
  const outbox = new Outbox(
    () => false,
    () => undefined,
  );
  const intake = new Intake('alice', new Acks(), outbox);
  const batch = newBatch();
  const told = () =>
    batch.signals.flatMap((one) => (one.kind === 'presence' ? [one.status.online] : []));
  return { intake, batch, told };
}

test('a list that was asked for before something newer came shows nobody as he was', () => {
  const { intake, batch, told } = intakeOfAlice();
  intake.take(presenceOf(false), 6, batch);
  intake.list(entryWith(true), 5, batch);
  assert.deepEqual(told(), [false]);
  intake.list(entryWith(true), 6, batch);
  assert.deepEqual(told(), [false, true], 'one that was asked for afterwards is newer');
});

test('a word that waited behind a backlog does not undo a chat that was opened meanwhile', () => {
  const { intake, batch, told } = intakeOfAlice();
  const opened = {
    type: 'conversation',
    conversation_id: CONVERSATION,
    messages: [],
    my_last_read_seq: 0,
    members: [{ user_id: 'bob', status: { online: true } }],
  };
  intake.take(opened as unknown as ServerFrame, 9, batch);
  intake.take(presenceOf(false), 8, batch);
  assert.deepEqual(told(), [true]);
  intake.take(presenceOf(false), 10, batch);
  assert.deepEqual(told(), [true, false]);
});
