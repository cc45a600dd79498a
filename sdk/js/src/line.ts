/*
 * line: the one WebSocket of a device, kept up.
 *
 * It is up from the server's `hello` on. When it ends it is tried again with full jitter, except
 * after 4409 (the device is connected elsewhere: two that both came back would push each other out
 * for ever) and without a token that the server takes. A line that looks open but answers nothing
 * is ended here: browsers do not show pings, so a `ping` frame asks.
 *
 * One that was given up before its `hello` may reach the server later than its successor, as the
 * device's newest, and push that out. So one 4409 after such a one is no word of another place.
 */
import { Backoff } from './backoff.ts';
import type { LineState } from './change.ts';
import type { TokenSource } from './token.ts';
import type { ClientFrame, Hello, ServerFrame } from './wire.ts';

export interface LineEvents {
  state(state: LineState): void;
  frame(frame: ServerFrame): void;
  hello(hello: Hello): void;
  /** Whether the one whom the server greets is the one whose device this is. */
  isMine(hello: Hello): boolean;
  passed(direction: 'in' | 'out', frame: ServerFrame | ClientFrame): void;
  /** Whether the server refuses this token; asked when an upgrade failed, which says no why. */
  isRefused(): Promise<boolean>;
}

const OPEN_MS_MAX = 15_000;
const ANSWER_MS_MAX = 10_000;
const PROBE_MS_MAX = 5_000;
const HEARTBEAT_SECONDS = 25;
const RENEW_PAUSE_MS = 5_000;
/** So long TCP goes on bringing what a socket said before it was given up. */
const GHOST_MS_MAX = 120_000;
const CLOSE_EXPIRED = 4401;
const CLOSE_REPLACED = 4409;
const CLOSE_SILENT = 4000;

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Line {
  readonly #url: string;
  readonly #tokens: TokenSource;
  readonly #events: LineEvents;
  readonly #backoff: Backoff;
  #socket: WebSocket | null = null;
  #state: LineState = 'stopped';
  #retry: Timer;
  #watch: Timer;
  /** When something was heard last, and whether it is asked for: then silence ends the line. */
  #heardAt = 0;
  #isAsked = false;
  #heartbeatMs = HEARTBEAT_SECONDS * 1000;
  #attempt = 0;
  #renewedAt = 0;
  /** When a socket was given up that the server had not greeted yet. */
  #gaveUpAt = -Infinity;

  constructor(url: string, tokens: TokenSource, events: LineEvents, backoff = new Backoff()) {
    this.#url = url;
    this.#tokens = tokens;
    this.#events = events;
    this.#backoff = backoff;
  }

  get state(): LineState {
    return this.#state;
  }

  #become(state: LineState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.state(state);
  }

  start(): void {
    if (this.#state === 'stopped') void this.#connect();
  }

  stop(): void {
    this.#attempt++;
    this.#drop(1000);
    this.#become('stopped');
  }

  /** Now is a good moment: the network came back, or somebody looks. */
  nudge(): void {
    if (this.#state === 'offline') {
      this.#backoff.reset();
      void this.#connect();
    } else if (this.#state === 'online') {
      this.#ask(PROBE_MS_MAX);
    }
  }

  /** After `replaced` or `signed_out`: connect all the same. */
  takeOver(): void {
    if (this.#state === 'replaced' || this.#state === 'signed_out') void this.#connect();
  }

  /** Ends the socket as a broken one, so that the stream starts again from the stored cursor. */
  restart(): void {
    if (this.#socket) this.#ended(this.#socket, CLOSE_SILENT);
  }

  /** False when there is no line; nothing is kept for later. */
  send(frame: ClientFrame): boolean {
    if (this.#state !== 'online' || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    this.#events.passed('out', frame);
    return true;
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    clearTimeout(this.#retry);
    this.#become('connecting');
    const token = await this.#tokens.current().catch(() => undefined);
    if (attempt !== this.#attempt) return;
    if (token === undefined) {
      this.#become('offline');
      this.#later();
      return;
    }
    if (token === null && !this.#tokens.usesCookie) {
      this.#become('signed_out');
      return;
    }
    const socket = new WebSocket(
      this.#url,
      token ? ['twoticks.v1', `bearer.${token}`] : ['twoticks.v1'],
    );
    this.#socket = socket;
    this.#endAfter(socket, OPEN_MS_MAX);
    socket.onmessage = (event) => this.#received(socket, event.data);
    socket.onclose = (event) => this.#ended(socket, event.code);
  }

  #received(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== 'string') return;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(data) as ServerFrame;
    } catch {
      return;
    }
    this.#listen();
    this.#events.passed('in', frame);
    if (frame.type === 'hello' && !this.#events.isMine(frame)) {
      this.#attempt++;
      this.#drop(1000);
      this.#become('signed_out');
    } else if (frame.type === 'hello') {
      this.#heartbeatMs = Math.max(frame.heartbeat_seconds || HEARTBEAT_SECONDS, 1) * 1000;
      this.#backoff.reset();
      this.#askAfter(this.#heartbeatMs);
      this.#become('online');
      this.#events.hello(frame);
    } else if (frame.type !== 'pong') {
      this.#events.frame(frame);
    }
  }

  /**
   * Something was heard: the line is good for one more heartbeat. Thousands of frames may come at
   * once, so the timer is left alone: when it runs out, it looks how long ago that was.
   */
  #listen(): void {
    this.#heardAt = performance.now();
    if (!this.#isAsked) return;
    this.#isAsked = false;
    this.#askAfter(this.#heartbeatMs);
  }

  #askAfter(ms: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const left = this.#heardAt + this.#heartbeatMs - performance.now();
      if (left > 0) this.#askAfter(left);
      else this.#ask(ANSWER_MS_MAX);
    }, ms);
  }

  #ask(within: number): void {
    const socket = this.#socket;
    if (socket && this.send({ type: 'ping' })) this.#endAfter(socket, within);
  }

  #endAfter(socket: WebSocket, ms: number): void {
    this.#isAsked = true;
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#ended(socket, CLOSE_SILENT), ms);
  }

  #drop(code: number): void {
    clearTimeout(this.#watch);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    // One that is still connecting too: were it let go of, it might open later, as the device's
    // newest, and push out the one that is used by then.
    socket.close(code);
  }

  #ended(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    const wasOnline = this.#state === 'online';
    this.#drop(code === CLOSE_SILENT ? CLOSE_SILENT : 1000);
    if (code === CLOSE_REPLACED && !this.#isOwnGhost()) {
      this.#become('replaced');
      return;
    }
    if (code === CLOSE_SILENT && !wasOnline) this.#gaveUpAt = performance.now();
    this.#become('offline');
    void this.#again(code, wasOnline);
  }

  /** Whether it was a socket of our own that came late; said once for each that was given up. */
  #isOwnGhost(): boolean {
    const isLikely = performance.now() - this.#gaveUpAt < GHOST_MS_MAX;
    this.#gaveUpAt = -Infinity;
    return isLikely;
  }

  async #again(code: number, wasOnline: boolean): Promise<void> {
    const attempt = this.#attempt;
    const expired = code === CLOSE_EXPIRED;
    if (expired || (!wasOnline && (await this.#events.isRefused()))) {
      const fresh = await this.#tokens.renew().catch(() => undefined);
      if (attempt !== this.#attempt) return;
      if (fresh === null) {
        this.#become('signed_out');
        return;
      }
      // At once, but not in a circle with a server that takes no token for long.
      const again = Date.now() - this.#renewedAt < RENEW_PAUSE_MS;
      this.#renewedAt = Date.now();
      if (expired && fresh !== undefined && !again) {
        void this.#connect();
        return;
      }
    }
    if (attempt === this.#attempt) this.#later();
  }

  #later(): void {
    this.#retry = setTimeout(() => void this.#connect(), this.#backoff.next());
  }
}
