/*
 * tabs: the tabs of one device. One of them leads: it holds the socket and writes the store; the
 * browser's lock passes the lead on within moments of that tab's end, however it ends.
 */
import type { Broadcast } from './change.ts';

export interface Tabs {
  readonly id: string;
  /** Calls `lead` when this tab's turn has come. Until `leave` it keeps it. */
  join(lead: () => void): void;
  /** To all the other tabs. */
  post(message: Broadcast): void;
  listen(hear: (message: Broadcast) => void): void;
  leave(): void;
}

/** Where there is only one: it leads at once. */
export class SingleTab implements Tabs {
  readonly id = 'single';
  join(lead: () => void): void {
    queueMicrotask(lead);
  }
  post(): void {}
  listen(): void {}
  leave(): void {}
}

export class BrowserTabs implements Tabs {
  readonly id = `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`;
  readonly #name: string;
  readonly #channel: BroadcastChannel;
  readonly #waiting = new AbortController();
  #release: () => void = () => {};

  constructor(name: string) {
    this.#name = name;
    this.#channel = new BroadcastChannel(name);
  }

  join(lead: () => void): void {
    const hold = () => {
      lead();
      return new Promise<void>((resolve) => (this.#release = resolve));
    };
    navigator.locks.request(this.#name, { signal: this.#waiting.signal }, hold).catch(() => {
      // Left before its turn came.
    });
  }

  post(message: Broadcast): void {
    this.#channel.postMessage(message);
  }

  listen(hear: (message: Broadcast) => void): void {
    this.#channel.onmessage = (event: MessageEvent<Broadcast>) => hear(event.data);
  }

  leave(): void {
    this.#waiting.abort();
    this.#release();
    this.#channel.close();
  }
}

export function canShareTabs(): boolean {
  return (
    typeof window !== 'undefined' &&
    typeof BroadcastChannel !== 'undefined' &&
    typeof navigator !== 'undefined' &&
    'locks' in navigator
  );
}
