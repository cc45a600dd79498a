/*
 * error: what a refused request or frame becomes.
 */

/** The codes of the protocol, and `offline` and `closed`, which are the library's own. */
export class TwoTicksError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    more: { status?: number; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = 'TwoTicksError';
    this.code = code;
    this.status = more.status;
    this.retryAfterMs = more.retryAfterMs;
  }
}

/** Whether the same send may succeed later; all other refusals are final. */
export function isPassing(code: string): boolean {
  return code === 'unavailable' || code === 'rate_limited' || code === 'internal';
}
