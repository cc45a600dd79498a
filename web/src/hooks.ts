/*
 * hooks: parts that draw themselves anew when the client says so.
 */
import { createContext } from 'preact';
import type { Client, ClientEvents } from 'twoticks';
import { useContext, useEffect, useReducer, useState } from 'preact/hooks';

const MINUTE_MS = 60_000;

export const ClientContext = createContext<Client | null>(null);

export function useClient(): Client {
  return useContext(ClientContext)!;
}

/** Draws anew; what it gives changes each time. */
export function useRedraw(): [number, () => void] {
  const [version, redraw] = useReducer((count: number, _: void) => count + 1, 0);
  return [version, redraw as () => void];
}

/** Draws anew whenever one of these events comes, if `matters` says so. */
export function useEvents<Name extends keyof ClientEvents>(
  names: Name[],
  matters: (value: ClientEvents[Name]) => boolean = () => true,
): void {
  const client = useClient();
  const [, redraw] = useRedraw();
  useEffect(() => {
    const offs = names.map((name) =>
      client.on(name, (value) => {
        if (matters(value)) redraw();
      }),
    );
    redraw();
    return () => offs.forEach((off) => off());
    // The names and what matters are fixed for each place of use, apart from the client.
  }, [client, ...names]);
}

/** True while `value` has been true for that long. */
export function useLasting(value: boolean, ms: number): boolean {
  const [lasted, setLasted] = useState(false);
  useEffect(() => {
    if (!value) {
      setLasted(false);
      return undefined;
    }
    const timer = setTimeout(() => setLasted(true), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return value && lasted;
}

/** Draws anew at that moment. */
export function useMoment(atMs: number): void {
  const [, redraw] = useRedraw();
  useEffect(() => {
    if (!Number.isFinite(atMs)) return undefined;
    const timer = setTimeout(redraw, Math.max(0, atMs - Date.now()) + 10);
    return () => clearTimeout(timer);
  }, [atMs]);
}

/** Draws anew when another day has begun: "today" is "yesterday" then. */
export function useToday(): void {
  const [, setToday] = useState('');
  useEffect(() => {
    const look = () => setToday(new Date().toDateString());
    const timer = setInterval(look, MINUTE_MS);
    // Timers sleep while nobody looks.
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
}

export function usePlace(): string | null {
  const [, redraw] = useRedraw();
  useEffect(() => {
    window.addEventListener('hashchange', redraw);
    return () => window.removeEventListener('hashchange', redraw);
  }, []);
  return placeNow();
}

/** The conversation that the address names. */
export function placeNow(): string | null {
  const match = /^#\/c\/(.+)$/.exec(location.hash);
  try {
    return match ? decodeURIComponent(match[1]!) : null;
  } catch {
    return null;
  }
}

export function addressOf(conversationId: string): string {
  return `#/c/${encodeURIComponent(conversationId)}`;
}
