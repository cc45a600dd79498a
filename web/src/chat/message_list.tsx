/*
 * message_list: the messages near the screen, however many there are.
 *
 * The timeline's window is all that is in the page. When it slides, or grows at either end, what
 * the reader looks at stays where it is: the topmost visible message is the anchor, and its place
 * is restored before the browser paints. A reader at the end stays at the end.
 */
import type { Conversation, Message, Timeline } from 'twoticks';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useClient, useRedraw, useToday } from '../hooks.ts';
import { Icon } from '../part/icon.tsx';
import { say } from '../word/language.ts';
import { nameOf, titleOf } from '../word/name.ts';
import { dayOf, isOtherDay } from '../word/when.ts';
import { Bubble } from './bubble.tsx';
import type { UnreadLine } from './chat.tsx';

interface Props {
  id: string;
  timeline: Timeline;
  conversation: Conversation | undefined;
  line: UnreadLine | null;
  /** How many the reader wrote: who writes is at the end. */
  written: number;
  chosen: number | null;
  onChoose: ((seq: number) => void) | null;
  onInfo: (seq: number) => void;
}

interface Anchor {
  key: string;
  /** Where its upper edge is, below the upper edge of what is visible. */
  top: number;
}

const END_PX = 40;
const NEAR_PX = 1_200;
const TOGETHER_MS = 5 * 60_000;

function itemsOf(box: HTMLElement): HTMLElement[] {
  return [...box.querySelectorAll<HTMLElement>('[data-key]')];
}

/** The first item whose lower edge is below `y`, by halving: they are in order. */
function firstBelow(items: HTMLElement[], y: number): HTMLElement | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle]!;
    if (item.offsetTop + item.offsetHeight > y) high = middle;
    else low = middle + 1;
  }
  return items[low];
}

function isLookedAt(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/** What belongs to the place of reading, apart from what is drawn. */
function useReading({ id, timeline, conversation, written }: Props) {
  const client = useClient();
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const atEnd = useRef(true);
  const placed = useRef(false);
  const [away, setAway] = useState(false);
  const [, redraw] = useRedraw();
  const endSeq = useRef(conversation?.headSeq ?? 0);

  const look = useCallback(() => {
    const element = box.current;
    if (!element || !placed.current) return;
    const items = itemsOf(element);
    const { scrollTop, clientHeight, scrollHeight } = element;
    const first = firstBelow(items, scrollTop);
    if (first) anchor.current = { key: first.dataset['key']!, top: first.offsetTop - scrollTop };
    const rest = scrollHeight - scrollTop - clientHeight;
    atEnd.current = timeline.isAtEnd && rest <= END_PX;
    setAway(!timeline.isAtEnd || rest > clientHeight / 2);
    if (scrollTop < NEAR_PX && !timeline.isAtStart)
      void timeline.loadOlder().catch(() => undefined);
    if (rest < NEAR_PX && !timeline.isAtEnd) void timeline.loadNewer().catch(() => undefined);
    const last = lastVisible(items, scrollTop + clientHeight);
    if (atEnd.current || last > endSeq.current) endSeq.current = Math.max(endSeq.current, last);
    if (last > 0 && isLookedAt()) client.markRead(id, last);
  }, [client, id, timeline]);

  // Before the paint: whatever was added or taken away, the reader's place is the same.
  useLayoutEffect(() => {
    const element = box.current!;
    if (!placed.current) {
      placed.current = true;
      const mark = element.querySelector<HTMLElement>('.unread-line');
      element.scrollTop = mark ? mark.offsetTop - element.clientHeight / 4 : element.scrollHeight;
    } else if (atEnd.current && timeline.isAtEnd) {
      element.scrollTop = element.scrollHeight;
    } else if (anchor.current) {
      const item = element.querySelector<HTMLElement>(
        `[data-key="${CSS.escape(anchor.current.key)}"]`,
      );
      if (item) {
        const top = item.offsetTop - anchor.current.top;
        if (Math.abs(top - element.scrollTop) > 1) element.scrollTop = top;
      }
    }
    look();
  });

  useEffect(() => {
    const off = timeline.on('change', redraw);
    redraw();
    const element = box.current!;
    let frame = 0;
    const later = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        look();
      });
    };
    const resized = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
      later();
    });
    resized.observe(element);
    element.addEventListener('scroll', later, { passive: true });
    window.addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      off();
      cancelAnimationFrame(frame);
      resized.disconnect();
      element.removeEventListener('scroll', later);
      window.removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [timeline, look, redraw]);

  const toEnd = useCallback(async () => {
    await timeline.toEnd().catch(() => undefined);
    atEnd.current = true;
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
    look();
  }, [timeline, look]);

  useEffect(() => {
    if (written > 0) void toEnd();
  }, [written]);

  return { box, away, toEnd, endSeq };
}

/** The seq of the last message that is seen to its end; of a very tall one, its beginning. */
function lastVisible(items: HTMLElement[], bottom: number): number {
  const beyond = firstBelow(items, bottom + 1);
  const index = beyond ? items.indexOf(beyond) : items.length;
  for (let i = index - 1; i >= 0; i--) {
    const seq = Number(items[i]!.dataset['seq']);
    if (seq > 0) return seq;
  }
  return 0;
}

export function MessageList(props: Props) {
  const { timeline, conversation, line, chosen, onChoose, onInfo, id } = props;
  const client = useClient();
  const { box, away, toEnd, endSeq } = useReading(props);
  const messages = timeline.messages;
  const isGroup = conversation?.kind === 'group';
  const title = conversation ? titleOf(conversation, client.userId) : id;
  const fresh = useFresh(id, away, endSeq);
  useToday();

  return (
    <div class="messages-frame">
      <div
        class="messages"
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={say('messagesWith', { name: title })}
      >
        <ol class="bubbles" role="list">
          {messages.map((message, i) => (
            <Item
              key={message.key}
              message={message}
              before={messages[i - 1]}
              after={messages[i + 1]}
              line={line}
              isFirst={i === 0}
              isGroup={isGroup}
              isChosen={chosen !== null && message.seq === chosen}
              id={id}
              onChoose={onChoose}
              onInfo={onInfo}
            />
          ))}
        </ol>
      </div>
      {away && (
        <button
          type="button"
          class="to-end"
          aria-label={fresh > 0 ? undefined : say('toLatest')}
          onClick={() => void toEnd()}
        >
          {fresh > 0 && <span>{say('newCount', { count: fresh })}</span>}
          <Icon name="down" />
        </button>
      )}
      <Announcer id={id} />
    </div>
  );
}

/** How many came from others since the reader left the end. */
function useFresh(id: string, away: boolean, endSeq: { current: number }): number {
  const client = useClient();
  const [fresh, setFresh] = useState<number[]>([]);
  useEffect(() => {
    if (!away) setFresh([]);
  }, [away]);
  useEffect(
    () =>
      client.on('message', (message) => {
        if (message.conversationId !== id) return;
        setFresh((seqs) => [...seqs.filter((seq) => seq > endSeq.current), message.seq]);
      }),
    [client, id],
  );
  // One that came while the reader was at the end has been seen since.
  return away ? fresh.filter((seq) => seq > endSeq.current).length : 0;
}

/** Says new messages of others to who does not see them. */
function Announcer({ id }: { id: string }) {
  const client = useClient();
  const [said, setSaid] = useState('');
  useEffect(
    () =>
      client.on('message', (message) => {
        if (message.conversationId === id)
          setSaid(`${nameOf(message.sender)}: ${message.content.slice(0, 300)}`);
      }),
    [client, id],
  );
  return (
    <div class="only-heard" aria-live="polite">
      {said}
    </div>
  );
}

interface ItemProps {
  id: string;
  message: Message;
  before: Message | undefined;
  after: Message | undefined;
  line: UnreadLine | null;
  isFirst: boolean;
  isGroup: boolean;
  isChosen: boolean;
  onChoose: ((seq: number) => void) | null;
  onInfo: (seq: number) => void;
}

function isTogether(a: Message | undefined, b: Message): boolean {
  return (
    a !== undefined &&
    a.sender === b.sender &&
    Math.abs(Date.parse(a.at) - Date.parse(b.at)) < TOGETHER_MS &&
    !isOtherDay(a.at, b.at)
  );
}

/** Whether the unread line stands right before this message. */
function startsUnread(
  line: UnreadLine | null,
  message: Message,
  before: Message | undefined,
): boolean {
  if (!line || message.seq === null || message.seq <= line.afterSeq) return false;
  return before === undefined
    ? message.seq === line.afterSeq + 1
    : (before.seq ?? 0) <= line.afterSeq;
}

function Item(props: ItemProps) {
  const { message, before, after, line } = props;
  const isNewDay = before === undefined || isOtherDay(before.at, message.at);
  const isUnread = startsUnread(line, message, before);
  const joinsBefore = isTogether(before, message) && !isUnread;
  const joinsAfter =
    after !== undefined && isTogether(message, after) && !startsUnread(line, after, message);
  return (
    <>
      {isNewDay && (
        <li class="day">
          <span>{dayOf(message.at)}</span>
        </li>
      )}
      {isUnread && line && (
        <li class="unread-line">
          <span>
            {line.count === 1 ? say('unreadOne') : say('unreadMany', { count: line.count })}
          </span>
        </li>
      )}
      <Bubble
        id={props.id}
        message={message}
        joinsBefore={joinsBefore}
        joinsAfter={joinsAfter}
        showsSender={props.isGroup && message.tick === null && !joinsBefore}
        isChosen={props.isChosen}
        onChoose={props.onChoose}
        onInfo={props.onInfo}
      />
    </>
  );
}
