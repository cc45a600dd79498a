/*
 * proxy: a line that can be cut, held up and made deaf.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class Proxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<[Socket, Socket]>();
  /** Nobody gets through while this is so. */
  refuses = false;
  /** How long each piece is held up, in ms. */
  delayMs = 0;
  /** Bytes vanish, as behind a dead radio; nobody is told. */
  swallows = false;

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

  #accept(near: Socket): void {
    if (this.refuses) {
      near.destroy();
      return;
    }
    const far = connect(this.#target(), '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => this.#pass(bytes, to));
      from.on('error', end);
      from.on('close', end);
    }
  }

  #pass(bytes: Buffer, to: Socket): void {
    if (this.swallows) return;
    if (this.delayMs === 0) to.write(bytes);
    else setTimeout(() => to.destroyed || to.write(bytes), this.delayMs);
  }

  /** Everybody's connection ends, whatever was on its way. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  heal(): void {
    this.refuses = false;
    this.swallows = false;
    this.delayMs = 0;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
