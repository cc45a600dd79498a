/*
 * outbox: sends what is stored as to be sent, in order, each under its `client_id` for ever.
 *
 * Of one conversation one message is on its way at a time: were there more, one that the server
 * put off (`rate_limited`, `unavailable`) would be overtaken by those behind it. What was on its
 * way when the line broke is sent again; the server knows the `client_id` and stores it once.
 */
import { Backoff } from './backoff.ts';
import type { OutboxRecord } from './record.ts';
import type { ClientFrame } from './wire.ts';

const ANSWER_MS_MAX = 20_000;
const PUT_OFF = { firstMs: 400, ceilingMs: 10_000 };

interface Queue {
  records: OutboxRecord[];
  inFlight: string | null;
  backoff: Backoff;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Outbox {
  readonly #queues = new Map<string, Queue>();
  readonly #byClient = new Map<string, OutboxRecord>();
  readonly #send: (frame: ClientFrame) => boolean;
  readonly #silent: () => void;

  /** `silent` is called when a send got no answer for long: the line is no good. */
  constructor(send: (frame: ClientFrame) => boolean, silent: () => void) {
    this.#send = send;
    this.#silent = silent;
  }

  /** Takes the stored outbox as it is now; what is known already stays where it is. */
  take(stored: readonly OutboxRecord[]): void {
    const alive = new Set(stored.map((record) => record.client_id));
    for (const known of [...this.#byClient.values()]) {
      if (!alive.has(known.client_id)) this.remove(known.client_id);
    }
    for (const record of stored) {
      if (record.refusal) this.remove(record.client_id);
      else if (!this.#byClient.has(record.client_id)) this.#add(record);
    }
    this.sendAll();
  }

  #add(record: OutboxRecord): void {
    let queue = this.#queues.get(record.conversation_id);
    if (!queue) {
      queue = {
        records: [],
        inFlight: null,
        backoff: new Backoff(PUT_OFF),
        timer: undefined,
      };
      this.#queues.set(record.conversation_id, queue);
    }
    queue.records.push(record);
    queue.records.sort((a, b) => a.order - b.order);
    this.#byClient.set(record.client_id, record);
  }

  find(client_id: string): OutboxRecord | undefined {
    return this.#byClient.get(client_id);
  }

  /** What is still to be sent there, in order. */
  waiting(conversation_id: string): readonly OutboxRecord[] {
    return this.#queues.get(conversation_id)?.records ?? [];
  }

  /** A new socket: whatever was on its way is not any more. */
  restart(): void {
    this.pause();
    this.sendAll();
  }

  sendAll(): void {
    for (const queue of this.#queues.values()) this.#next(queue);
  }

  #next(queue: Queue): void {
    const first = queue.records[0];
    if (!first || queue.inFlight !== null || queue.timer !== undefined) return;
    const { client_id, conversation_id, content } = first;
    if (!this.#send({ type: 'send', client_id, conversation_id, content })) return;
    queue.inFlight = client_id;
    queue.timer = setTimeout(() => {
      queue.timer = undefined;
      this.#silent();
    }, ANSWER_MS_MAX);
  }

  /** Stored or given up: the next one's turn. */
  remove(client_id: string): void {
    const record = this.#byClient.get(client_id);
    const queue = record && this.#queues.get(record.conversation_id);
    if (!record || !queue) return;
    this.#byClient.delete(client_id);
    queue.records = queue.records.filter((one) => one.client_id !== client_id);
    if (queue.inFlight === client_id) {
      clearTimeout(queue.timer);
      queue.timer = undefined;
      queue.inFlight = null;
      queue.backoff.reset();
    }
    if (queue.records.length === 0) {
      clearTimeout(queue.timer);
      this.#queues.delete(record.conversation_id);
    } else {
      this.#next(queue);
    }
  }

  /** The server will take it later. */
  putOff(client_id: string, afterMs: number): void {
    const record = this.#byClient.get(client_id);
    const queue = record && this.#queues.get(record.conversation_id);
    if (!queue || queue.inFlight !== client_id) return;
    clearTimeout(queue.timer);
    queue.inFlight = null;
    queue.timer = setTimeout(() => {
      queue.timer = undefined;
      this.#next(queue);
    }, afterMs + queue.backoff.next());
  }

  pause(): void {
    for (const queue of this.#queues.values()) {
      clearTimeout(queue.timer);
      queue.timer = undefined;
      queue.inFlight = null;
    }
  }
}
