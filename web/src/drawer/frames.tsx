/*
 * frames: every frame of this device, as it passed.
 */
import type { PassedFrame } from 'twoticks';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useClient } from '../hooks.ts';
import { say } from '../word/language.ts';

const FRAMES_MAX = 300;

function clockOf(at: string): string {
  return at.slice(11, 23);
}

export function Frames({ isShown }: { isShown: boolean }) {
  const client = useClient();
  const [frames, setFrames] = useState<PassedFrame[]>([]);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    client.traceFrames(true);
    const off = client.on('frame', (frame) =>
      setFrames((before) => [...before.slice(1 - FRAMES_MAX), frame]),
    );
    return () => {
      off();
      client.traceFrames(false);
    };
  }, [client]);
  useLayoutEffect(() => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [frames, isShown]);
  if (!isShown) return null;
  if (frames.length === 0) return <p class="drawer-none">{say('framesNone')}</p>;
  return (
    <ol class="frames" ref={list} tabIndex={0} aria-label={say('frames')}>
      {frames.map((passed) => (
        <li
          key={`${passed.at} ${JSON.stringify(passed.frame)}`}
          class={`frame ${passed.direction}`}
        >
          <details>
            <summary>
              <span aria-hidden="true">{passed.direction === 'in' ? '↓' : '↑'}</span>
              <span class="only-heard">{passed.direction}</span>
              <code>{passed.frame.type}</code>
              <span class="frame-gist">{gistOf(passed)}</span>
              <time>{clockOf(passed.at)}</time>
            </summary>
            <pre>{JSON.stringify(passed.frame, null, 2)}</pre>
          </details>
        </li>
      ))}
    </ol>
  );
}

/** What of a frame one wants to see without opening it. */
function gistOf({ frame }: PassedFrame): string {
  const keys = [
    'seq',
    'last_delivered_seq',
    'last_read_seq',
    'head_seq',
    'code',
    'user_id',
  ] as const;
  const values = frame as unknown as Record<string, unknown>;
  return keys
    .filter((key) => values[key] !== undefined)
    .map((key) => `${key.replace('last_', '').replace('_seq', '')} ${String(values[key])}`)
    .join(' · ');
}
