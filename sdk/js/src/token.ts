/*
 * token: where tokens come from and when they are renewed.
 *
 * A token is a JWT; of it only whose it is and how long it lives are looked at. It is renewed when
 * four fifths of its life are over, so that a phone with a clock a little wrong is not signed out.
 */

/**
 * Gives a token. It is called first with null, and later with the one that is about to expire or
 * was refused. Giving null means signed out; throwing, that there is none to be had just now: it
 * is asked again later.
 */
export type TokenProvider = (current: string | null) => Promise<string | null>;

const RENEW_AT = 0.8;
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface Life {
  issuedMs: number;
  expiresMs: number;
}

interface Claims {
  sub?: unknown;
  device?: unknown;
  exp?: unknown;
  iat?: unknown;
}

/** What a token says; of one that is no JWT, nothing. */
function claimsOf(token: string): Claims {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    return (JSON.parse(atob(part)) as Claims | null) ?? {};
  } catch {
    return {};
  }
}

/** When a token was issued and expires; null if it does not say. */
export function lifeOf(token: string, nowMs: number): Life | null {
  const { exp, iat } = claimsOf(token);
  if (typeof exp !== 'number') return null;
  return { issuedMs: typeof iat === 'number' ? iat * 1000 : nowMs, expiresMs: exp * 1000 };
}

/** A device of a user, as tokens and the server's greeting name it. */
export interface Owner {
  user_id: string;
  device_id: string;
}

/** A sentence for who asked as `wanted` and is known as somebody else; null: they are the same. */
export function mistaken(known: Owner, wanted: Owner): string | null {
  if (known.user_id === wanted.user_id && known.device_id === wanted.device_id) return null;
  return (
    `the token is for ${known.user_id} on ${known.device_id}, not for ${wanted.user_id} on ` +
    `${wanted.device_id}: give userId and deviceId as the token has them`
  );
}

/**
 * The same provider, but a token of somebody else counts as being signed out: a cookie that it was
 * made from may be another user's by now, and nothing of theirs belongs here.
 */
export function ownTokens(
  provider: TokenProvider,
  owner: Owner,
  told: (text: string) => void,
): TokenProvider {
  return async (current) => {
    const token = await provider(current);
    const { sub, device } = token === null ? {} : claimsOf(token);
    if (typeof sub !== 'string') return token;
    const device_id = typeof device === 'string' ? device : 'default';
    const text = mistaken({ user_id: sub, device_id }, owner);
    if (text === null) return token;
    told(text);
    return null;
  };
}

export class TokenSource {
  readonly #provider: TokenProvider | null;
  readonly #onRenewed: (token: string) => void;
  #token: string | null = null;
  #asked: Promise<string | null> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** Without a provider the browser's cookie is what signs in, and there is no token here. */
  constructor(provider: TokenProvider | null, onRenewed: (token: string) => void) {
    this.#provider = provider;
    this.#onRenewed = onRenewed;
  }

  get usesCookie(): boolean {
    return this.#provider === null;
  }

  /** The token to use now; null with a cookie, or when signed out. */
  async current(): Promise<string | null> {
    if (!this.#provider) return null;
    const life = this.#token ? lifeOf(this.#token, Date.now()) : null;
    if (this.#token && (!life || life.expiresMs > Date.now())) return this.#token;
    return this.renew();
  }

  /** Asks for a fresh one; several that ask at once get the same. Throws as the provider does. */
  renew(): Promise<string | null> {
    const provider = this.#provider;
    if (!provider) return Promise.resolve(null);
    this.#asked ??= provider(this.#token)
      .then((token) => {
        this.#take(token);
        return token;
      })
      .finally(() => (this.#asked = null));
    return this.#asked;
  }

  #take(token: string | null): void {
    this.#token = token;
    clearTimeout(this.#timer);
    const life = token ? lifeOf(token, Date.now()) : null;
    if (!life || this.#stopped) return;
    const at = life.issuedMs + (life.expiresMs - life.issuedMs) * RENEW_AT;
    const wait = Math.min(Math.max(at - Date.now(), 1000), TIMER_MAX_MS);
    this.#timer = setTimeout(() => void this.#renewEarly(), wait);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #renewEarly(): Promise<void> {
    // Failing, it is asked again when the old one is refused.
    const token = await this.renew().catch(() => null);
    if (token && !this.#stopped) this.#onRenewed(token);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
