/*
 * wire: the frames and objects of the protocol, version 1, by their names on the wire.
 */

/** Whether a person is online and, if not, when they were last seen (RFC 3339). */
export interface Status {
  online: boolean;
  last_seen?: string | null;
}

export interface WireMessage {
  seq: number;
  sender: string;
  content: string;
  timestamp: string;
}

export interface WireMember {
  user_id: string;
  status: Status;
  last_delivered_seq: number;
  last_read_seq: number;
}

/** What `GET /conversation/{id}` and the frame `conversation` hold; `bob_status` is read apart. */
export interface Snapshot {
  conversation_id: string;
  head_seq: number;
  messages: WireMessage[];
  last_delivered_seq: number;
  last_read_seq: number;
  my_last_read_seq: number;
  has_more_before: boolean;
  has_more_after: boolean;
  members: WireMember[];
}

/** An entry of `GET /conversations`. */
export interface Entry {
  conversation_id: string;
  kind: 'direct' | 'group';
  title: string | null;
  members: string[];
  head_seq: number;
  last_message: WireMessage | null;
  unread: number;
  my_last_read_seq: number;
  last_delivered_seq: number;
  last_read_seq: number;
  muted_until?: string | null;
}

export interface Hello {
  type: 'hello';
  user_id: string;
  device_id: string;
  session_id: string;
  server_id: string;
  server_time: string;
  heartbeat_seconds: number;
  resumed: boolean;
  /** Which link of this device it is; servers before 0.1.0 did not say. */
  linked_at?: string;
}

export interface ErrorFrame {
  type: 'error';
  code: string;
  message: string;
  client_id?: string;
  conversation_id?: string;
  limit?: number;
  retry_after_ms?: number;
}

export type ServerFrame =
  | Hello
  | { type: 'sent'; client_id: string; conversation_id: string; seq: number; timestamp: string }
  | ({ type: 'message'; conversation_id: string; client_id?: string } & WireMessage)
  | { type: 'caught_up' }
  | {
      type: 'status_update';
      conversation_id: string;
      user_id?: string;
      last_delivered_seq?: number;
      last_read_seq?: number;
    }
  | { type: 'read_sync'; conversation_id: string; last_read_seq: number }
  | { type: 'presence'; conversation_id: string; user_id: string; status?: Status }
  | { type: 'typing'; conversation_id: string; user_id: string }
  | { type: 'conversation_added'; conversation: Entry }
  | ({ type: 'conversation' } & Snapshot)
  | { type: 'pong' }
  | ErrorFrame;

export type ClientFrame =
  | { type: 'send'; client_id: string; conversation_id: string; content: string }
  | { type: 'delivered' | 'read'; conversation_id: string; seq: number }
  | { type: 'open' | 'close' | 'typing'; conversation_id: string }
  | { type: 'token'; token: string }
  | { type: 'ping' };

/** Message info: null where not yet. */
export interface MessageInfo {
  conversation_id: string;
  seq: number;
  sender: string;
  timestamp: string;
  members: { user_id: string; delivered_at: string | null; read_at: string | null }[];
}

export interface Why {
  seq: number;
  tick: 'one' | 'two' | 'blue';
  members: {
    user_id: string;
    delivered_at: string | null;
    read_at: string | null;
    waiting_for: 'connection' | 'delivered_ack' | 'read_ack' | null;
    offline_since: string | null;
    push: { at: string; provider: string; outcome: string } | null;
  }[];
  text: string;
}

export interface TimelineEvent {
  at: string;
  event:
    | 'stored'
    | 'push_accepted'
    | 'push_failed'
    | 'delivered'
    | 'read'
    | 'connected'
    | 'disconnected';
  user_id: string;
  seq?: number;
  from_seq?: number;
  to_seq?: number;
  device_id?: string;
  detail?: string;
}

export interface Settings {
  display_name?: string | null;
  share_last_seen?: 'everyone' | 'nobody';
  push_preview?: boolean;
}

/** `bob_status` of a direct conversation, where `bob` is whoever the other member is. */
export function statusOf(holder: object, userId: string): Status | undefined {
  const value: unknown = (holder as Record<string, unknown>)[`${userId}_status`];
  if (typeof value !== 'object' || value === null) return undefined;
  return typeof (value as Status).online === 'boolean' ? (value as Status) : undefined;
}
