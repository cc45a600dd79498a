/*
 * bubble: one message. What somebody wrote stays inside, whatever it is made of.
 */
import type { Message } from 'twoticks';
import { memo } from '../part/memo.ts';
import { useState } from 'preact/hooks';
import { useClient } from '../hooks.ts';
import { Icon } from '../part/icon.tsx';
import { TickMark } from '../part/tick.tsx';
import { say } from '../word/language.ts';
import { nameOf } from '../word/name.ts';
import { isEmojiOnly, withLinks } from '../word/text.tsx';
import { timeOf } from '../word/when.ts';

interface Props {
  id: string;
  message: Message;
  joinsBefore: boolean;
  joinsAfter: boolean;
  showsSender: boolean;
  isChosen: boolean;
  onChoose: ((seq: number) => void) | null;
  onInfo: (seq: number) => void;
}

const SHORT_MAX = 1_800;

function classOf({ message, joinsBefore, joinsAfter, isChosen }: Props): string {
  const names = ['bubble-row', message.tick === null ? 'theirs' : 'mine'];
  if (joinsBefore) names.push('joins-before');
  if (joinsAfter) names.push('joins-after');
  if (isChosen) names.push('is-chosen');
  if (message.tick === 'failed') names.push('is-failed');
  return names.join(' ');
}

function BubbleNow(props: Props) {
  const { message, onChoose, onInfo, showsSender } = props;
  const { seq, tick } = message;
  const isBig = isEmojiOnly(message.content);
  return (
    <li
      class={classOf(props)}
      data-key={message.key}
      data-seq={seq ?? 0}
      onClick={onChoose && seq !== null ? () => onChoose(seq) : undefined}
    >
      <div class={`bubble ${isBig ? 'big' : ''}`}>
        <span class={showsSender ? 'sender' : 'only-heard'}>
          {tick === null ? nameOf(message.sender) : say('you')}
          {showsSender ? '' : ': '}
        </span>
        <BubbleText content={message.content} />
        <span class="meta">
          <time dateTime={message.at}>{timeOf(message.at)}</time>
          {tick && <TickMark tick={tick} />}
        </span>
        {seq !== null && tick !== null && (
          <button
            type="button"
            class="bubble-info"
            aria-label={say('info')}
            onClick={() => onInfo(seq)}
          >
            <Icon name="info" />
          </button>
        )}
      </div>
      {message.refusal && <Refusal {...props} />}
    </li>
  );
}

/** Not drawn anew while nothing of it changed; the timeline makes new values for old ones. */
export const Bubble = memo(
  BubbleNow,
  (a, b) =>
    a.message.tick === b.message.tick &&
    a.message.seq === b.message.seq &&
    a.message.refusal === b.message.refusal &&
    a.message.content === b.message.content &&
    a.message.at === b.message.at &&
    a.joinsBefore === b.joinsBefore &&
    a.joinsAfter === b.joinsAfter &&
    a.showsSender === b.showsSender &&
    a.isChosen === b.isChosen &&
    a.onChoose === b.onChoose,
);

function BubbleText({ content }: { content: string }) {
  const [isWhole, setWhole] = useState(false);
  const shown =
    isWhole || content.length <= SHORT_MAX ? content : `${content.slice(0, SHORT_MAX)}…`;
  return (
    <>
      <span class="text" dir="auto">
        {withLinks(shown)}
      </span>
      {shown !== content && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          {say('more')}
        </button>
      )}
    </>
  );
}

function Refusal({ id, message }: Props) {
  const client = useClient();
  const clientId = message.clientId!;
  return (
    <p class="refusal">
      <span>
        {say('failed')}: {message.refusal!.message}
      </span>
      <button type="button" class="link" onClick={() => void client.retry(id, clientId)}>
        {say('retry')}
      </button>
      <button type="button" class="link" onClick={() => void client.discard(id, clientId)}>
        {say('discard')}
      </button>
    </p>
  );
}
