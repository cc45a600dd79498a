/*
 * tick: what a message of one's own shows, drawn from nothing but the two cursors.
 */
import type { Cursors } from './record.ts';

/** `clock`: not stored yet. `one`: stored. `two`: delivered. `blue`: read. `failed`: refused. */
export type Tick = 'clock' | 'one' | 'two' | 'blue' | 'failed';

/** The tick of one's own stored message: `one`, `two` or `blue`. */
export function tickOf(seq: number, cursors: Required<Cursors>): Tick {
  if (seq <= cursors.last_read_seq) return 'blue';
  if (seq <= cursors.last_delivered_seq) return 'two';
  return 'one';
}
