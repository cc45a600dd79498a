/*
 * chat_head: whose conversation it is, and whether they are there.
 */
import type { Conversation } from 'twoticks';
import { useClient, useEvents, useMoment } from '../hooks.ts';
import { Avatar } from '../part/avatar.tsx';
import { Icon } from '../part/icon.tsx';
import { say } from '../word/language.ts';
import { isMutedNow, nameOf, titleOf } from '../word/name.ts';
import { presenceText } from '../word/when.ts';

interface Props {
  id: string;
  conversation: Conversation | undefined;
  isReady: boolean;
}

const MINUTE_MS = 60_000;
const FOR_EVER = new Date('9999-12-31T00:00:00Z');

function useStatusText(id: string, conversation: Conversation | undefined): string {
  const client = useClient();
  useEvents(['line', 'presence']);
  useEvents(['typing'], (typed) => typed.conversationId === id);
  useEvents(['conversation'], (one) => one === id);
  const typing = client.typing(id);
  useMoment(Math.min(typing.untilMs, nextMinute()));
  if (client.line !== 'online') return say('connecting');
  if (!conversation) return '';
  if (conversation.kind === 'group') {
    const [first] = typing.users;
    if (first !== undefined) return say('isTyping', { name: nameOf(first) });
    return say('members', { count: conversation.members.length });
  }
  if (typing.users.length > 0) return say('typing');
  return conversation.peer ? presenceText(client.status(conversation.peer)) : '';
}

/** "today" becomes "yesterday" by itself. */
function nextMinute(): number {
  return Math.ceil((Date.now() + 1) / MINUTE_MS) * MINUTE_MS;
}

export function ChatHead({ id, conversation, isReady }: Props) {
  const client = useClient();
  const status = useStatusText(id, conversation);
  const title = conversation ? titleOf(conversation, client.userId) : id;
  const isOnline = status === say('online');
  const isTyping = client.line === 'online' && client.typing(id).users.length > 0;
  return (
    <header class="chat-head">
      <a class="round only-narrow" href="#" aria-label={say('back')}>
        <Icon name="back" />
      </a>
      <Avatar id={conversation?.peer ?? id} title={title} size="small" />
      <div class="chat-who">
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <p class={`chat-status ${isOnline ? 'is-online' : ''} ${isTyping ? 'is-typing' : ''}`}>
          {isReady || client.line !== 'online' ? status : '\u00a0'}
        </p>
      </div>
      {conversation && <MuteButton conversation={conversation} />}
    </header>
  );
}

/** Until it is pressed again. */
function MuteButton({ conversation }: { conversation: Conversation }) {
  const client = useClient();
  const isMuted = isMutedNow(conversation);
  const change = () => client.mute(conversation.id, isMuted ? null : FOR_EVER);
  return (
    <button
      type="button"
      class="round"
      aria-label={say('mute')}
      aria-pressed={isMuted}
      onClick={() => void change().catch(() => undefined)}
    >
      <Icon name={isMuted ? 'muted' : 'bell'} />
    </button>
  );
}
