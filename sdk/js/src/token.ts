/*
 * token: where tokens come from and when they are renewed.
 *
 * A token is a JWT; of it only `exp` is looked at. It is renewed when four fifths of its life are
 * over, so that a phone whose clock is a little wrong is not signed out.
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

/** When a token was issued and expires; null if it does not say. */
export function lifeOf(token: string, nowMs: number): Life | null {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const claims = JSON.parse(atob(part)) as { exp?: unknown; iat?: unknown };
    if (typeof claims.exp !== 'number') return null;
    const issued = typeof claims.iat === 'number' ? claims.iat * 1000 : nowMs;
    return { issuedMs: issued, expiresMs: claims.exp * 1000 };
  } catch {
    return null;
  }
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
