/*
 * session: who uses this window.
 *
 * A window remembers its user for itself, so that two windows may be two people; the device's name
 * is remembered per user, so that who comes back finds what was stored and what was not sent. No
 * token is ever kept: the demo asks for a new one, accounts have a cookie that scripts cannot see.
 */
import { type Client, connect, type TokenProvider } from 'twoticks';

export interface Session {
  user_id: string;
  device_id: string;
  kind: 'demo' | 'account';
}

/** How one can sign in here. */
export interface SignIn {
  demo_users: string[];
  accounts: boolean;
  push_key?: string | null;
}

const HERE = 'twoticks.here';
const KNOWN = 'twoticks.known';

function read<T>(storage: Storage, key: string): T | null {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

/** Who has used this browser before. */
export function knownSessions(): Session[] {
  return Object.values(read<Record<string, Session>>(localStorage, KNOWN) ?? {});
}

export function currentSession(): Session | null {
  const here = read<Session>(sessionStorage, HERE);
  if (here) return here;
  // A cookie signs in every window of the browser; the demo is one window's.
  return knownSessions().find((one) => one.kind === 'account') ?? null;
}

function remember(session: Session): void {
  const all = read<Record<string, Session>>(localStorage, KNOWN) ?? {};
  all[session.user_id] = session;
  localStorage.setItem(KNOWN, JSON.stringify(all));
  sessionStorage.setItem(HERE, JSON.stringify(session));
}

function forget(session: Session): void {
  const all = read<Record<string, Session>>(localStorage, KNOWN) ?? {};
  delete all[session.user_id];
  localStorage.setItem(KNOWN, JSON.stringify(all));
  sessionStorage.removeItem(HERE);
}

export async function askSignIn(): Promise<SignIn> {
  const response = await fetch('/login');
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return (await response.json()) as SignIn;
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function newDevice(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function deviceOf(user_id: string): string {
  return knownSessions().find((one) => one.user_id === user_id)?.device_id ?? newDevice();
}

export function signInAsDemo(user_id: string): Session {
  const session: Session = { user_id, device_id: deviceOf(user_id), kind: 'demo' };
  remember(session);
  return session;
}

/** Throws with the server's sentence if it says no. */
export async function signInWithPassword(user_id: string, password: string): Promise<Session> {
  const response = await post('/login', { user_id, password, device_id: deviceOf(user_id) });
  const answer = (await response.json()) as { device_id?: string; error?: { message: string } };
  if (!response.ok) throw new Error(answer.error?.message ?? `${response.status}`);
  const session: Session = { user_id, device_id: answer.device_id ?? '', kind: 'account' };
  remember(session);
  return session;
}

function demoTokens(session: Session): TokenProvider {
  const { user_id, device_id } = session;
  return async () => {
    const response = await post('/demo/login', { user_id, device_id });
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return ((await response.json()) as { token: string }).token;
  };
}

export function connectSession(session: Session): Promise<Client> {
  const { user_id: userId, device_id: deviceId } = session;
  return connect(
    session.kind === 'demo'
      ? { userId, deviceId, token: demoTokens(session) }
      : { userId, deviceId },
  );
}

export async function signOut(session: Session, client: Client): Promise<void> {
  await client.erase();
  if (session.kind === 'account') await post('/logout', {}).catch(() => undefined);
  forget(session);
}

/** The window has no user any more, but the browser remembers them. */
export function leaveSession(): void {
  sessionStorage.removeItem(HERE);
}
