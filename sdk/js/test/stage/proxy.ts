/*
 * proxy: a line that can be cut, held up and made deaf, each way for itself.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export type Way = 'out' | 'in';

interface Pair {
  near: Socket;
  far: Socket;
  /** When the last piece of each way is due: what was sent first comes first, as in any TCP. */
  due: Record<Way, number>;
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
    const pair: Pair = { near, far, due: { out: 0, in: 0 } };
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
      from.on('data', (bytes) => this.#pass(bytes, to, way, pair));
      from.on('error', end);
      from.on('close', end);
    }
  }

  #pass(bytes: Buffer, to: Socket, way: Way, { due }: Pair): void {
    if (this.swallows[way]) return;
    const now = performance.now();
    const at = Math.max(due[way], now + this.delayMs + Math.random() * this.jitterMs);
    due[way] = at;
    if (at <= now) to.write(bytes);
    else setTimeout(() => to.destroyed || to.write(bytes), at - now);
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
