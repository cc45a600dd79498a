/*
 * requests: what is asked of the server by HTTP, beside history.
 */
import type { ClientEvents, NewConversation } from './client_types.ts';
import type { Emitter } from './emitter.ts';
import { path } from './http.ts';
import type { Tab } from './tab.ts';
import type { Entry, MessageInfo, Settings, TimelineEvent, Why } from './wire.ts';

/** So long the list may take to tell of a conversation that was just made. */
const KNOWN_MS_MAX = 3_000;

export class Requests {
  readonly #tab: Tab;
  readonly #events: Emitter<ClientEvents>;

  constructor(tab: Tab, events: Emitter<ClientEvents>) {
    this.#tab = tab;
    this.#events = events;
  }

  async create(options: NewConversation): Promise<string> {
    const { members, kind, title, conversationId } = options;
    const all = [...new Set([this.#tab.parts.userId, ...members])];
    const body = {
      members: all,
      kind: kind ?? (all.length > 2 ? 'group' : 'direct'),
      ...(title === undefined ? {} : { title }),
      ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    };
    const made = await this.#tab.http.request<Entry>('POST', '/conversation', body);
    if (!this.#tab.model.records.has(made.conversation_id)) {
      const known = this.#whenKnown(made.conversation_id);
      this.#tab.order({ kind: 'made', entry: made });
      await known;
    }
    return made.conversation_id;
  }

  #whenKnown(id: string): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        off();
        resolve();
      };
      const off = this.#events.on('conversation', (one) => {
        if (one === id) finish();
      });
      const timer = setTimeout(finish, KNOWN_MS_MAX);
    });
  }

  info(conversationId: string, seq: number): Promise<MessageInfo> {
    return this.#tab.http.get(path`/conversation/${conversationId}/messages/${seq}/info`);
  }

  why(conversationId: string, seq: number): Promise<Why> {
    return this.#tab.http.get(path`/conversation/${conversationId}/messages/${seq}/why`);
  }

  async events(
    conversationId: string,
    span: { from?: number; to?: number },
  ): Promise<TimelineEvent[]> {
    const found = await this.#tab.http.get<{ events: TimelineEvent[] }>(
      path`/conversation/${conversationId}/timeline`,
      span,
    );
    return found.events;
  }

  async mute(conversationId: string, until: Date | null): Promise<void> {
    await this.#tab.http.request('PUT', path`/conversation/${conversationId}/settings`, {
      muted_until: until?.toISOString() ?? null,
    });
    this.#tab.order({ kind: 'list' });
  }

  settings(): Promise<Settings> {
    return this.#tab.http.get('/me');
  }

  changeSettings(settings: Settings): Promise<Settings> {
    return this.#tab.http.request('PUT', '/me', settings);
  }
}
