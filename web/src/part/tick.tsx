/*
 * tick: the mark beside a message of one's own. Its name is what it means.
 */
import type { Tick } from 'twoticks';
import { say } from '../word/language.ts';

const SHAPES: Record<Tick, string[]> = {
  clock: ['M8 4.5V8l2.500 1.500', 'M8 2.200a5.800 5.800 0 1 1 0 11.600 5.800 5.800 0 0 1 0-11.600'],
  one: ['M4.500 8.700l3 3 6.500-7.200'],
  two: ['M1.200 8.700l3 3 6.500-7.200', 'M8.500 10.500l1.300 1.200 6.500-7.200'],
  blue: ['M1.200 8.700l3 3 6.500-7.200', 'M8.500 10.500l1.300 1.200 6.500-7.200'],
  failed: ['M8 4.400v4.400M8 11.300v.1', 'M8 2.200a5.800 5.800 0 1 1 0 11.600 5.800 5.800 0 0 1 0-11.600'],
};

export function TickMark({ tick }: { tick: Tick }) {
  return (
    <svg class={`tick tick-${tick}`} viewBox="0 0 17.500 16" role="img" aria-label={say(tick)}>
      {SHAPES[tick].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}
