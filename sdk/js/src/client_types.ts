/*
 * client_types: what a client is made of, and what it tells.
 */
import type { LineState, PassedFrame } from './change.ts';
import type { Store } from './store.ts';
import type { TokenProvider } from './token.ts';
import type { Status, WireMessage } from './wire.ts';

export interface ClientOptions {
  /** The server, `https://chat.example`; in a browser by default the page's own. */
  url?: string;
  /** Who this is; must be what the token says: 1 to 64 of `A-Z a-z 0-9 _ - . : @`. */
  userId: string;
  /** Which of the user's devices, likewise; one per installation, kept. Default: `default`. */
  deviceId?: string;
  /** A token, or a function that gets one. Without it the cookie of the browser signs in. */
  token?: string | TokenProvider;
  /** Where messages are kept. Default: IndexedDB where there is one, else memory. */
  store?: Store;
}

/** A message that the server has stored: one tick. */
export interface Sent {
  conversationId: string;
  /** The message's own id, made on this device. */
  clientId: string;
  /** Its place in the conversation, from 1, without gaps. */
  seq: number;
  /** When the server stored it: RFC 3339, UTC, milliseconds. */
  timestamp: string;
}

/** What `create` makes. */
export interface NewConversation {
  /** The others; the user is always one of them. */
  members: string[];
  /** Default: `direct` with one other, else `group`. */
  kind?: 'direct' | 'group';
  /** Of a group. */
  title?: string;
  /** Of one's own choice; by default the server's. */
  conversationId?: string;
}

/** The events of a client by name, each with the value that listeners get. */
export interface ClientEvents {
  /** The line's state. */
  line: LineState;
  /** The list, or an entry of it, looks different. */
  conversations: void;
  /** The id of a conversation that looks different: a message, a tick, a cursor. */
  conversation: string;
  /** Somebody else's message came, for the first time on this device. */
  message: WireMessage & { conversationId: string };
  /** Somebody came or went; told of the members of conversations that are open. */
  presence: { userId: string; status: Status };
  /** Somebody is typing; it holds for five seconds, or until their message. */
  typing: { conversationId: string; userId: string };
  /** An own message was stored: one tick. */
  sent: Sent;
  /** An own message was refused for good; `code` is one of the protocol's. */
  refused: { clientId: string; code: string; message: string };
  /** Everything that was pending when the line came up is here. */
  caught_up: void;
  /** Frames as they pass; only after `traceFrames(true)`. */
  frame: PassedFrame;
  /**
   * Something went wrong that no call waits for. `code` is one of the protocol's, or `storage`:
   * this device cannot store, so nothing is acked and the server keeps it; it is tried again.
   */
  problem: { code: string; message: string };
}
