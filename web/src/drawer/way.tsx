/*
 * way: how one message came to its tick: what happened to it, when, and why it is where it is.
 */
import type { TimelineEvent } from 'twoticks';
import { useEffect, useState } from 'preact/hooks';
import { InfoText, useFacts } from '../chat/info.tsx';
import { useClient, useEvents } from '../hooks.ts';
import { say } from '../word/language.ts';
import { nameOf } from '../word/name.ts';
import { fullTimeOf } from '../word/when.ts';

function concerns(event: TimelineEvent, seq: number): boolean {
  const from = event.seq ?? event.from_seq;
  const to = event.seq ?? event.to_seq;
  return from === undefined || to === undefined || (from <= seq && seq <= to);
}

export function Way({ place, chosen }: { place: string | null; chosen: number | null }) {
  const client = useClient();
  const [events, setEvents] = useState<TimelineEvent[]>([]);
  useEvents(['conversation'], (one) => one === place);
  const cursors = place ? client.conversation(place) : undefined;
  const facts = useFacts(place ?? '', place ? chosen : null);
  useEffect(() => {
    if (!place || chosen === null) return undefined;
    let gone = false;
    client.events(place, { from: chosen, to: chosen }).then(
      (found) => gone || setEvents(found.filter((event) => concerns(event, chosen))),
      () => gone || setEvents([]),
    );
    return () => {
      gone = true;
    };
  }, [client, place, chosen, cursors?.lastDeliveredSeq, cursors?.lastReadSeq]);
  if (!place || chosen === null) return <p class="drawer-none">{say('ticksNone')}</p>;
  return (
    <div class="way" tabIndex={0} role="region" aria-label={say('ticks')}>
      <p class="way-seq">
        <code>seq {chosen}</code>
      </p>
      <ol class="way-events">
        {events.map((event) => (
          <li key={`${event.at}${event.event}${event.user_id}`} class={`event-${event.event}`}>
            <code>{event.event}</code> {nameOf(event.user_id)}
            <time dateTime={event.at}>{fullTimeOf(event.at)}</time>
          </li>
        ))}
      </ol>
      {facts && typeof facts !== 'string' && <InfoText facts={facts} />}
    </div>
  );
}
