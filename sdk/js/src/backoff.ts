/*
 * backoff: how long to wait before the next attempt, with full jitter.
 *
 * The wait is drawn evenly from nothing to a ceiling that doubles with each failure. Without the
 * jitter all clients of a server that went down would come back in the same moment.
 */

export interface BackoffOptions {
  firstMs: number;
  ceilingMs: number;
}

export const RECONNECT: BackoffOptions = { firstMs: 500, ceilingMs: 30_000 };

/** Waits between attempts, in ms, up to the ceiling; a success resets them. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions = RECONNECT, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** The wait before the next attempt, in ms. */
  next(): number {
    const ceiling = Math.min(this.#options.ceilingMs, this.#options.firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 32);
    return Math.floor(this.#random() * ceiling);
  }

  /** It worked: the next wait is short again. */
  reset(): void {
    this.#failures = 0;
  }
}
