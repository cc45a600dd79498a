/*
 * tick: the mark beside a message of one's own. Its name is what it means.
 */
import type { Tick } from 'twoticks';
import { say } from '../word/language.ts';

const SHAPES: Record<Tick, string[]> = {
  clock: ['M8 4.5V8l2.5 1.5', 'M8 2.200a5.8 5.8 0 1 1 0 11.6 5.8 5.8 0 0 1 0-11.6'],
  one: ['M4.5 8.700l3 3 6.5-7.2'],
  two: ['M1.2 8.700l3 3 6.5-7.2', 'M8.5 10.500l1.3 1.2 6.5-7.2'],
  blue: ['M1.2 8.700l3 3 6.5-7.2', 'M8.5 10.500l1.3 1.2 6.5-7.2'],
  failed: ['M8 4.400v4.400M8 11.300v.1', 'M8 2.200a5.8 5.8 0 1 1 0 11.6 5.8 5.8 0 0 1 0-11.6'],
};

export function TickMark({ tick }: { tick: Tick }) {
  return (
    <svg class={`tick tick-${tick}`} viewBox="0 0 17.5 16" role="img" aria-label={say(tick)}>
      {SHAPES[tick].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}
