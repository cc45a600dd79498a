/*
 * chat_row: one conversation in the list.
 */
import type { Conversation } from 'twoticks';
import { addressOf, useClient, useEvents, useMoment } from '../hooks.ts';
import { Avatar } from '../part/avatar.tsx';
import { memo } from '../part/memo.ts';
import { TickMark } from '../part/tick.tsx';
import { say } from '../word/language.ts';
import { isMutedNow, nameOf, titleOf } from '../word/name.ts';
import { preview } from '../word/text.tsx';
import { shortWhen } from '../word/when.ts';

interface Props {
  conversation: Conversation;
  isHere: boolean;
  now: Date;
}

function ChatRowNow({ conversation, isHere, now }: Props) {
  const client = useClient();
  const { id, unread, last } = conversation;
  useEvents(['typing'], (typed) => typed.conversationId === id);
  const typing = client.typing(id);
  useMoment(typing.untilMs);

  const title = titleOf(conversation, client.userId);
  const isMuted = isMutedNow(conversation, now.getTime());
  const isGroup = conversation.kind === 'group';
  return (
    <li>
      <a
        class={`row ${unread > 0 ? 'unread' : ''}`}
        href={addressOf(id)}
        aria-current={isHere ? 'page' : undefined}
      >
        <Avatar id={conversation.peer ?? id} title={title} />
        <span class="row-text">
          <span class="row-line">
            <bdi class="row-name">{title}</bdi>
            {isMuted && <span class="only-heard">{say('muted')}</span>}
            {last && <time dateTime={last.at}>{shortWhen(last.at, now)}</time>}
          </span>
          <span class="row-line">
            {typing.users.length > 0 ? (
              <span class="row-last is-typing">{say('typing')}</span>
            ) : (
              <span class="row-last">
                {last?.tick && <TickMark tick={last.tick} />}
                {last && isGroup && !last.tick && <span>{nameOf(last.sender)}: </span>}
                <bdi>{last ? preview(last.content) : ''}</bdi>
              </span>
            )}
            {unread > 0 && (
              <span class={`badge ${isMuted ? 'muted' : ''}`}>
                <span aria-hidden="true">{unread > 999 ? '999+' : unread}</span>
                <span class="only-heard">{say('unreadBadge', { count: unread })}</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

/** Not drawn anew while the others change: the same conversation is the same value. */
export const ChatRow = memo(
  ChatRowNow,
  (a, b) => a.conversation === b.conversation && a.isHere === b.isHere && a.now === b.now,
);
