/*
 * talk: messages from people without a browser.
 */
import type { Server } from './server.ts';

const AT_ONCE = 40;

export class Talk {
  readonly #server: Server;
  readonly #tokens = new Map<string, string>();
  readonly id: string;
  #count = 0;

  private constructor(server: Server, id: string) {
    this.#server = server;
    this.id = id;
  }

  /** The conversation of alice and bob. */
  static async start(server: Server): Promise<Talk> {
    const talk = new Talk(server, '');
    const made = await server.request<{ conversation_id: string }>(
      await talk.#token('alice'),
      'POST',
      '/conversation',
      { members: ['alice', 'bob'] },
    );
    return Object.assign(talk, { id: made.conversation_id });
  }

  async #token(name: string): Promise<string> {
    const known = this.#tokens.get(name);
    if (known) return known;
    const token = await this.#server.token(name, `${name}-service`);
    this.#tokens.set(name, token);
    return token;
  }

  async say(name: 'alice' | 'bob', content: string): Promise<number> {
    const sent = await this.#server.request<{ seq: number }>(
      await this.#token(name),
      'POST',
      `/conversation/${this.id}/messages`,
      { client_id: `talk-${++this.#count}`, content },
    );
    return sent.seq;
  }

  /** Many, `text` and a number; in no order in particular. */
  async sayMany(name: 'alice' | 'bob', count: number, text: string): Promise<void> {
    for (let i = 0; i < count; i += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, k) => i + k + 1);
      await Promise.all(some.map((n) => this.say(name, `${text} ${n}`)));
    }
  }

  async get<T>(name: 'alice' | 'bob', path: string): Promise<T> {
    return this.#server.request<T>(await this.#token(name), 'GET', path);
  }

  /** What the server holds. */
  async stored(): Promise<{ seq: number; sender: string; content: string }[]> {
    const all: { seq: number; sender: string; content: string }[] = [];
    for (;;) {
      const page = await this.get<{ messages: typeof all }>(
        'alice',
        `/conversation/${this.id}?after=${all.at(-1)?.seq ?? 0}&limit=200`,
      );
      if (page.messages.length === 0) return all;
      all.push(...page.messages);
    }
  }
}
