/*
 * range: which seqs of a conversation are held on this device, as disjoint ascending spans.
 *
 * A device holds the stream from its own cursor on, pages that were looked at, and what a snapshot
 * brought; these need not touch. Spans that touch or overlap become one.
 */

/** From and to, both inclusive. */
export type Span = readonly [from: number, to: number];

export function addSpan(spans: readonly Span[], from: number, to: number): Span[] {
  const joined: Span[] = [];
  let low = from;
  let high = to;
  for (const span of spans) {
    if (span[1] < low - 1 || span[0] > high + 1) {
      joined.push(span);
    } else {
      low = Math.min(low, span[0]);
      high = Math.max(high, span[1]);
    }
  }
  joined.push([low, high]);
  return joined.sort((a, b) => a[0] - b[0]);
}

/** The spans that a page of ascending seqs fills; a page may have been cut by the caller. */
export function addSeqs(spans: readonly Span[], seqs: readonly number[]): Span[] {
  let joined = [...spans];
  let start = 0;
  for (let i = 1; i <= seqs.length; i++) {
    if (i === seqs.length || seqs[i] !== seqs[i - 1]! + 1) {
      joined = addSpan(joined, seqs[start]!, seqs[i - 1]!);
      start = i;
    }
  }
  return joined;
}

export function spanWith(spans: readonly Span[], seq: number): Span | undefined {
  return spans.find((span) => span[0] <= seq && seq <= span[1]);
}

/** Whether every seq from `from` to `to` is held; of nothing at all, yes. */
export function holds(spans: readonly Span[], from: number, to: number): boolean {
  if (from > to) return true;
  const span = spanWith(spans, from);
  return span !== undefined && span[1] >= to;
}
