/*
 * session: who uses this window.
 *
 * A window remembers its user for itself, so that two windows may be two people; the device's name
 * is remembered per user, so that who comes back finds what was stored and what was not sent. No
 * token is ever kept: the demo asks for a new one, accounts have a cookie that scripts cannot see,
 * and that a fresh token is to be had for.
 */
import { type Client, connect, type TokenProvider } from 'twoticks';
import { forgetDrafts } from './draft.ts';
import { turnOffNotifications } from './notice.ts';

export interface Session {
  user_id: string;
  device_id: string;
  kind: 'demo' | 'account';
}

/** How one can sign in here. */
export interface SignIn {
  demo_users: string[];
  /** Whether the server has accounts of its own, and who may make one. */
  accounts?: boolean;
  register?: 'open' | 'invite';
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

/** What somebody fills in; with `invite`, even an empty one, a new account is made. */
export interface Credentials {
  user_id: string;
  password: string;
  invite?: string;
}

/** Throws with the server's sentence if it says no. */
export async function signInWithPassword(form: Credentials): Promise<Session> {
  const { user_id, password, invite } = form;
  const body = { user_id, password, device_id: deviceOf(user_id) };
  const response =
    invite === undefined
      ? await post('/login', body)
      : await post('/register', invite ? { ...body, invite } : body);
  const answer = (await response.json()) as { device_id?: string; error?: { message: string } };
  if (!response.ok) throw new Error(answer.error?.message ?? `${response.status}`);
  const device_id = answer.device_id ?? body.device_id;
  const session: Session = { user_id, device_id, kind: 'account' };
  remember(session);
  return session;
}

/** Null where the server takes this user no more; throws where it cannot be asked. */
async function tokenFrom(path: string, body: unknown): Promise<string | null> {
  const response = await post(path, body);
  if (response.status === 401 || response.status === 404) return null;
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return ((await response.json()) as { token: string }).token;
}

export function connectSession(session: Session): Promise<Client> {
  const { user_id, device_id, kind } = session;
  const token: TokenProvider = () =>
    kind === 'demo' ? tokenFrom('/demo/login', { user_id, device_id }) : tokenFrom('/token', {});
  return connect({ userId: user_id, deviceId: device_id, token });
}

export async function signOut(session: Session, client: Client): Promise<void> {
  await turnOffNotifications(client).catch(() => undefined);
  await client.erase();
  if (session.kind === 'account') await post('/logout', {}).catch(() => undefined);
  forgetDrafts(session.user_id);
  forget(session);
}

/** The window has no user any more, but the browser remembers them. */
export function leaveSession(): void {
  sessionStorage.removeItem(HERE);
}
