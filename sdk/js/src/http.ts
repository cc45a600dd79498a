/*
 * http: the requests of the protocol. A refusal becomes a TwoTicksError; so does having no line.
 */
import { TwoTicksError } from './error.ts';
import type { TokenSource } from './token.ts';

type Query = Record<string, string | number | undefined>;

const REQUEST_MS_MAX = 30_000;

async function refusalOf(response: Response): Promise<TwoTicksError> {
  const status = response.status;
  const after = Number(response.headers.get('retry-after'));
  const more = after > 0 ? { status, retryAfterMs: after * 1000 } : { status };
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return new TwoTicksError(error.code, error.message, more);
  } catch {
    return new TwoTicksError('internal', `the server answered ${status}`, more);
  }
}

export class Http {
  readonly #base: string;
  readonly #tokens: TokenSource;

  /** `base` is the server's address without a slash at its end. */
  constructor(base: string, tokens: TokenSource) {
    this.#base = base;
    this.#tokens = tokens;
  }

  get<T>(path: string, query: Query = {}): Promise<T> {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = pairs
      .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
      .join('&');
    return this.request<T>('GET', text ? `${path}?${text}` : path);
  }

  /** A refused token is renewed once, and the request repeated. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response = await this.#attempt(method, path, body, await this.#token('current'));
    if (response.status === 401 && !this.#tokens.usesCookie) {
      const fresh = await this.#token('renew');
      if (fresh) response = await this.#attempt(method, path, body, fresh);
    }
    if (!response.ok) throw await refusalOf(response);
    const text = await response.text();
    return (text ? JSON.parse(text) : null) as T;
  }

  async #token(how: 'current' | 'renew'): Promise<string | null> {
    try {
      return await this.#tokens[how]();
    } catch (cause) {
      throw new TwoTicksError('offline', `there is no token to be had: ${String(cause)}`);
    }
  }

  async #attempt(
    method: string,
    path: string,
    body: unknown,
    token: string | null,
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (token) headers['authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      return await fetch(this.#base + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: this.#tokens.usesCookie ? 'include' : 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
      });
    } catch (cause) {
      throw new TwoTicksError('offline', `the server cannot be reached: ${String(cause)}`);
    }
  }
}

/** A path of literal parts and ids: path`/conversation/${id}/settings`. */
export function path(parts: TemplateStringsArray, ...ids: (string | number)[]): string {
  return parts.reduce((text, part, i) => text + encodeURIComponent(String(ids[i - 1])) + part);
}
