/*
 * story_time: a time of one's own for what is told in pictures. The server stamps what happens with
 * its clock; on the way to a page each stamp becomes the story's time at that moment, and the
 * page's own clock stands there too. So a picture is the same whenever it is taken.
 */
import type { BrowserContext, WebSocketRoute } from 'playwright-core';

const STAMP = /\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
/** Of two moments that are told apart; the server's clock may be a little ahead of this one. */
const APART_MS = 30;
const DAY_MS = 86_400_000;
/** In the sentences of `why`, to the second. */
const SPOKEN = /\b(20\d\d-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g;

async function pass(ms: number): Promise<void> {
  const till = Date.now() + ms;
  while (Date.now() < till) await new Promise((resolve) => setImmediate(resolve));
}

export class StoryTime {
  readonly #moments: { realMs: number; storyMs: number }[] = [];
  readonly #contexts: BrowserContext[] = [];

  constructor(start: string) {
    this.#moments.push({ realMs: 0, storyMs: Date.parse(start) });
  }

  /** From now on it is that time, for the server as the pages see it and in the pages. */
  async become(at: string): Promise<void> {
    await pass(APART_MS);
    this.#moments.push({ realMs: Date.now(), storyMs: Date.parse(at) });
    await pass(APART_MS);
    await Promise.all(this.#contexts.map((context) => context.clock.setFixedTime(at)));
  }

  get now(): number {
    return this.#moments.at(-1)!.storyMs;
  }

  #told(text: string): string {
    // A sentence names the second only; the stamp that it was made of stands beside it.
    const bySecond = new Map<string, string>();
    const told = text.replace(STAMP, (stamp) => {
      const story = this.#story(Date.parse(stamp));
      bySecond.set(stamp.slice(0, 19).replace('T', ' '), story);
      return story;
    });
    return told.replace(SPOKEN, (_, day: string, clock: string) => {
      const known = bySecond.get(`${day} ${clock}`);
      const story = known ?? this.#story(Date.parse(`${day}T${clock}.999Z`));
      return `${story.slice(0, 10)} ${story.slice(11, 19)} UTC`;
    });
  }

  #story(realMs: number): string {
    // Something that is still to come, as the end of a muting.
    if (realMs > Date.now() + DAY_MS) return new Date(realMs).toISOString();
    const moment = this.#moments.findLast((one) => one.realMs <= realMs);
    return new Date(moment!.storyMs).toISOString();
  }

  /** Everything that the pages of this context hear is in the story's time. */
  async tell(context: BrowserContext): Promise<void> {
    this.#contexts.push(context);
    await context.clock.setFixedTime(this.now);
    await context.routeWebSocket(/\/ws$/, (socket) => this.#pass(socket));
    await context.route(/\/(conversation|conversations|settings)\b/, async (route) => {
      try {
        const response = await route.fetch();
        await route.fulfill({ response, body: this.#told(await response.text()) });
      } catch {
        // The page has gone, or has no line.
        await route.abort().catch(() => undefined);
      }
    });
  }

  #pass(socket: WebSocketRoute): void {
    const server = socket.connectToServer();
    server.onMessage((message) =>
      socket.send(typeof message === 'string' ? this.#told(message) : message),
    );
  }
}
