/*
 * proxy: a line that can be cut, held up and made deaf, each way for itself.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export type Way = 'out' | 'in';

interface Piece {
  bytes: Buffer;
  /** When it goes on, in ms of performance.now(). */
  due: number;
}

/** One way of a connection: what was sent first comes first, as in any TCP. */
class Queue {
  readonly #pieces: Piece[] = [];
  readonly #to: Socket;

  constructor(to: Socket) {
    this.#to = to;
  }

  put(bytes: Buffer, delayMs: number): void {
    const due = Math.max(this.#pieces.at(-1)?.due ?? 0, performance.now() + delayMs);
    this.#pieces.push({ bytes, due });
    if (this.#pieces.length === 1) this.#pass();
  }

  /** The first piece alone has a timer: two of them need not end in their order. */
  #pass(): void {
    for (let first = this.#pieces[0]; first; first = this.#pieces[0]) {
      const wait = first.due - performance.now();
      if (wait > 0) {
        setTimeout(() => this.#pass(), wait);
        return;
      }
      this.#pieces.shift();
      if (!this.#to.destroyed) this.#to.write(first.bytes);
    }
  }
}

interface Pair {
  near: Socket;
  far: Socket;
}

export class Proxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  /** Nobody gets through while this is so. */
  refuses = false;
  /** How long each piece is held up, in ms; at least, and how much more by chance. */
  delayMs = 0;
  jitterMs = 0;
  /** Bytes of that way vanish, as behind a dead radio; nobody is told. */
  readonly swallows: Record<Way, boolean> = { out: false, in: false };

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  static async open(target: () => number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get isDeaf(): boolean {
    return this.swallows.in || this.swallows.out;
  }

  #accept(near: Socket): void {
    if (this.refuses) {
      near.destroy();
      return;
    }
    const far = connect(this.#target(), '127.0.0.1');
    const pair: Pair = { near, far };
    this.#pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const [from, to, way] of [
      [near, far, 'out'],
      [far, near, 'in'],
    ] as const) {
      const queue = new Queue(to);
      from.on('data', (bytes) => {
        if (this.swallows[way]) return;
        queue.put(bytes, this.delayMs + Math.random() * this.jitterMs);
      });
      from.on('error', end);
      from.on('close', end);
    }
  }

  /** Everybody's connection ends, whatever was on its way. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  heal(): void {
    // What was swallowed is gone for good on that socket.
    if (this.isDeaf) this.cut();
    this.refuses = false;
    this.swallows.in = this.swallows.out = false;
    this.delayMs = this.jitterMs = 0;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
