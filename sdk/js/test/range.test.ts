/*
 * range: spans are a set of seqs, whatever order they come in.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addSeqs, addSpan, holds, type Span } from '../src/range.ts';

const piece = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }))
  .map(([from, more]): Span => [from, from + more]);

test('spans hold exactly what was added', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const set = new Set<number>();
      let spans: Span[] = [];
      for (const [from, to] of pieces) {
        spans = addSpan(spans, from, to);
        for (let seq = from; seq <= to; seq++) set.add(seq);
      }
      for (let seq = 1; seq <= 60; seq++) assert.equal(holds(spans, seq, seq), set.has(seq));
      for (let i = 1; i < spans.length; i++) assert.ok(spans[i]![0] > spans[i - 1]![1] + 1);
    }),
  );
});

test('a page with a hole in it fills two spans', () => {
  assert.deepEqual(addSeqs([], [3, 4, 7, 8, 9]), [
    [3, 4],
    [7, 9],
  ]);
  assert.deepEqual(addSeqs([[5, 6]], [3, 4, 7]), [[3, 7]]);
  assert.deepEqual(addSeqs([[1, 2]], []), [[1, 2]]);
});
