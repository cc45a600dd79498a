/*
 * change: what one tab tells the others. Changes are stored before anybody hears of them; signals
 * are of the moment only; orders ask the tab that holds the socket to do something.
 */
import type { ConversationRecord, MessageRecord, OutboxRecord } from './record.ts';
import type { ClientFrame, Entry, ServerFrame, Status, WireMember, WireMessage } from './wire.ts';

export type Change =
  | { kind: 'conversation'; record: ConversationRecord }
  | { kind: 'messages'; conversation_id: string; messages: MessageRecord[] }
  | { kind: 'outbox'; record: OutboxRecord }
  | { kind: 'outbox_gone'; conversation_id: string; client_id: string }
  | { kind: 'reset' };

/**
 * `offline`: waiting for the next attempt; `replaced`: the device is connected from elsewhere and
 * only `takeOver` brings it back; `signed_out`: no token that the server accepts.
 */
export type LineState = 'offline' | 'connecting' | 'online' | 'replaced' | 'signed_out' | 'stopped';

/** A frame as it passed, for who wants to look on. */
export interface PassedFrame {
  at: string;
  direction: 'in' | 'out';
  frame: ServerFrame | ClientFrame;
}

export type Signal =
  | { kind: 'line'; state: LineState; leader: string }
  | { kind: 'presence'; user_id: string; status: Status }
  | { kind: 'typing'; conversation_id: string; user_id: string }
  | { kind: 'opened'; conversation_id: string; members: WireMember[] }
  | { kind: 'sent'; client_id: string; conversation_id: string; seq: number; timestamp: string }
  | { kind: 'refused'; client_id: string; code: string; message: string }
  | { kind: 'caught_up' }
  | { kind: 'erased' }
  | { kind: 'arrived'; conversation_id: string; message: WireMessage }
  | { kind: 'frame'; passed: PassedFrame }
  | { kind: 'problem'; code: string; message: string; conversation_id?: string | undefined };

export type Order =
  | { kind: 'send_outbox' }
  | { kind: 'seen'; conversation_id: string; seq: number }
  | { kind: 'open'; conversation_id: string }
  | { kind: 'close'; conversation_id: string }
  | { kind: 'typing'; conversation_id: string }
  | { kind: 'page'; conversation_id: string; messages: WireMessage[] }
  | { kind: 'made'; entry: Entry }
  | { kind: 'list' }
  | { kind: 'connect' }
  | { kind: 'take_over' }
  | { kind: 'trace'; on: boolean }
  | { kind: 'who' };

export type Broadcast =
  { to: 'all'; changes: Change[]; signals: Signal[] } | { to: 'leader'; order: Order };
