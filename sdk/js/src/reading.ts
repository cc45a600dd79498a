/*
 * reading: chats on screen: their history, from this device or the server, and what was seen.
 */
import type { ClientEvents } from './client_types.ts';
import type { Emitter } from './emitter.ts';
import { TwoTicksError } from './error.ts';
import { path } from './http.ts';
import { holds, spanWith } from './range.ts';
import { isWaiting, type MessageRecord } from './record.ts';
import type { Tab } from './tab.ts';
import type { Timeline, TimelineSource } from './timeline.ts';
import type { Snapshot } from './wire.ts';

/** Which page of history: right before or after a seq, which is not in it. */
export type Where = { before: number } | { after: number };

/** Behind a long backlog the answer comes late, and what is here can be shown meanwhile. */
const OPEN_MS_MAX = 1_000;
const PAGE_MAX = 200;

export class Reading {
  readonly #tab: Tab;
  readonly #events: Emitter<ClientEvents>;

  constructor(tab: Tab, events: Emitter<ClientEvents>) {
    this.#tab = tab;
    this.#events = events;
  }

  async open(conversationId: string): Promise<void> {
    const { model } = this.#tab;
    if (model.line !== 'online') {
      this.#tab.opened(conversationId);
      return;
    }
    await new Promise<void>((resolve) => {
      const offs = [
        this.#events.on('conversation', (id) => {
          if (id === conversationId && model.members.has(id)) finish();
        }),
        this.#events.on('problem', finish),
        this.#events.on('line', finish),
      ];
      const timer = setTimeout(finish, OPEN_MS_MAX);
      model.members.delete(conversationId);
      this.#tab.opened(conversationId);
      function finish(): void {
        clearTimeout(timer);
        for (const off of offs) off();
        resolve();
      }
    });
  }

  timeline(conversationId: string): Timeline {
    return this.#tab.timeline(conversationId, () => this.#sourceOf(conversationId));
  }

  #sourceOf(conversationId: string): TimelineSource {
    const { model, parts } = this.#tab;
    return {
      me: parts.userId,
      cursors: () => {
        const one = model.conversation(conversationId);
        return {
          headSeq: one?.headSeq ?? 0,
          lastDeliveredSeq: one?.lastDeliveredSeq ?? 0,
          lastReadSeq: one?.lastReadSeq ?? 0,
          myLastReadSeq: one?.myLastReadSeq ?? 0,
        };
      },
      waiting: () => model.outbox.get(conversationId) ?? [],
      page: (where, limit) => this.history(conversationId, where, limit),
    };
  }

  async history(conversationId: string, where: Where, limit: number): Promise<MessageRecord[]> {
    const record = this.#tab.model.records.get(conversationId);
    const head = record?.head_seq ?? 0;
    const spans = record?.spans ?? [];
    const up = 'before' in where;
    let from = up ? Math.max(1, where.before - limit) : where.after + 1;
    let to = up ? Math.min(head, where.before - 1) : Math.min(head, where.after + limit);
    if (record && from > to) return [];
    if (!record || !holds(spans, from, to)) {
      try {
        return await this.#fetchPage(conversationId, where, limit);
      } catch (error) {
        if ((error as TwoTicksError).code !== 'offline') throw error;
      }
      const span = spanWith(spans, up ? to : from);
      if (!span) return [];
      from = Math.max(from, span[0]);
      to = Math.min(to, span[1]);
    }
    return this.#tab.parts.store.messages(conversationId, from, to);
  }

  async #fetchPage(conversation_id: string, where: Where, limit: number): Promise<MessageRecord[]> {
    const page = await this.#tab.http.get<Snapshot>(path`/conversation/${conversation_id}`, {
      ...where,
      limit: Math.min(limit, PAGE_MAX),
    });
    if (page.messages.length > 0)
      this.#tab.order({ kind: 'page', conversation_id, messages: page.messages });
    const waiting = this.#tab.model.outbox.get(conversation_id) ?? [];
    return page.messages
      .filter((message) => !isWaiting(message, waiting, this.#tab.parts.userId))
      .map((message) => ({ conversation_id, ...message }));
  }
}
