/*
 * listing: fetches the list of conversations, once at a time.
 *
 * A device that has nothing yet asks before its line is up: on a slow one the list would else share
 * it with everything that is pending, and come last. The line brings only what happens from then
 * on, so the list is asked for once more when it is up; this time for what has changed since.
 */
import type { Http } from './http.ts';
import type { Entry } from './wire.ts';

interface Page {
  conversations: Entry[];
  next: string | null;
}

/** The first page fills a screen, and is there soon. */
const FIRST_PAGE = 25;
const PAGE = 200;
/** What is stamped within a moment of each other may be stamped in either order. */
const MARGIN_MS = 1_000;

export class Listing {
  readonly #http: Http;
  readonly #now: () => number;
  readonly #took: (entries: Entry[], askedAt: number) => void;
  readonly #ended: () => void;
  readonly #failed: (error: unknown) => void;
  #run = 0;
  #isRunning = false;
  #isWanted = false;
  /** When the first list was asked for, in this page's time, if it came whole. */
  #firstAt: number | null = null;
  #since: string | null = null;

  /**
   * `took` is told what `now` was when its page was asked for. `ended` is called when everything
   * that was asked for has been given to `took`, or failed.
   */
  constructor(
    http: Http,
    now: () => number,
    took: (entries: Entry[], askedAt: number) => void,
    ended: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#http = http;
    this.#now = now;
    this.#took = took;
    this.#ended = ended;
    this.#failed = failed;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** However many ask: it is on its way once, and once more for who asked meanwhile. */
  ask(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#fetchAll(++this.#run);
  }

  /**
   * The line is up, and `serverTime` is now. A list that was asked for on a line that has died may
   * take long to end: it is not waited for.
   */
  restart(serverTime: string): void {
    this.#isRunning = false;
    if (this.#firstAt !== null) {
      const askedAt = Date.parse(serverTime) - (performance.now() - this.#firstAt);
      this.#since = new Date(askedAt - MARGIN_MS).toISOString();
    }
    this.#firstAt = null;
    this.ask();
  }

  /** The first list of a device, before its line is up. Resolves whether it comes or not. */
  async first(): Promise<void> {
    const run = ++this.#run;
    this.#isRunning = true;
    const askedAt = performance.now();
    try {
      await this.#fetch(run, null);
      if (run === this.#run) this.#firstAt = askedAt;
    } catch {
      // The line, when it is up, asks again.
    }
    if (run === this.#run) this.#isRunning = false;
  }

  async #fetchAll(run: number): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted && run === this.#run) {
      this.#isWanted = false;
      const since = this.#since;
      this.#since = null;
      try {
        await this.#fetch(run, since);
      } catch (error) {
        if (run === this.#run) this.#failed(error);
      }
    }
    if (run !== this.#run) return;
    this.#isRunning = false;
    this.#ended();
  }

  async #fetch(run: number, since: string | null): Promise<void> {
    let cursor: string | null = null;
    do {
      const askedAt = this.#now();
      const page: Page = await this.#http.get('/conversations', {
        limit: cursor === null ? FIRST_PAGE : PAGE,
        cursor: cursor ?? undefined,
        changed_since: since ?? undefined,
      });
      this.#took(page.conversations, askedAt);
      cursor = page.next ?? null;
    } while (cursor !== null && run === this.#run);
  }
}
