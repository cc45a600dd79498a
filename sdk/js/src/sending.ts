/*
 * sending: own messages, from the moment of writing on: stored here first, then on their way.
 */
import type { Change } from './change.ts';
import type { ClientEvents, Sent } from './client_types.ts';
import type { Emitter } from './emitter.ts';
import { TwoTicksError } from './error.ts';
import type { OutboxRecord } from './record.ts';
import type { Tab } from './tab.ts';

const TYPING_EVERY_MS = 3_000;

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Sending {
  readonly #tab: Tab;
  readonly #events: Emitter<ClientEvents>;
  readonly #typedAt = new Map<string, number>();

  constructor(tab: Tab, events: Emitter<ClientEvents>) {
    this.#tab = tab;
    this.#events = events;
  }

  async queue(
    conversationId: string,
    content: string,
  ): Promise<{ clientId: string; sent: Promise<Sent> }> {
    if (this.#tab.isClosed) throw new TwoTicksError('closed', 'this client was closed');
    const clientId = randomId();
    const sent = this.#outcome(clientId);
    // Who does not look at the outcome gets events; it is no unhandled rejection.
    sent.catch(() => {});
    const record = await this.#tab.parts.store.addToOutbox({
      client_id: clientId,
      conversation_id: conversationId,
      content,
      at: new Date().toISOString(),
      after_seq: this.#tab.model.records.get(conversationId)?.head_seq ?? 0,
      refusal: null,
    });
    this.#typedAt.delete(conversationId);
    this.#tab.tell([{ kind: 'outbox', record }]);
    this.#tab.order({ kind: 'send_outbox' });
    return { clientId, sent };
  }

  #outcome(clientId: string): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const offs = [
        this.#events.on('sent', (sent) => {
          if (sent.clientId !== clientId) return;
          for (const off of offs) off();
          resolve(sent);
        }),
        this.#events.on('refused', (refused) => {
          if (refused.clientId !== clientId) return;
          for (const off of offs) off();
          reject(new TwoTicksError(refused.code, refused.message));
        }),
      ];
    });
  }

  #waiting(conversationId: string, clientId: string): OutboxRecord | undefined {
    const waiting = this.#tab.model.outbox.get(conversationId) ?? [];
    return waiting.find((one) => one.client_id === clientId);
  }

  async retry(conversationId: string, clientId: string): Promise<void> {
    const record = this.#waiting(conversationId, clientId);
    if (!record?.refusal) return;
    const changes: Change[] = [{ kind: 'outbox', record: { ...record, refusal: null } }];
    await this.#tab.parts.store.commit(changes);
    this.#tab.tell(changes);
    this.#tab.order({ kind: 'send_outbox' });
  }

  async discard(conversationId: string, clientId: string): Promise<void> {
    if (!this.#waiting(conversationId, clientId)?.refusal) return;
    const changes: Change[] = [
      { kind: 'outbox_gone', conversation_id: conversationId, client_id: clientId },
    ];
    await this.#tab.parts.store.commit(changes);
    this.#tab.tell(changes);
  }

  type(conversationId: string): void {
    const now = Date.now();
    if (now - (this.#typedAt.get(conversationId) ?? 0) < TYPING_EVERY_MS) return;
    this.#typedAt.set(conversationId, now);
    this.#tab.order({ kind: 'typing', conversation_id: conversationId });
  }
}
