/*
 * chat: one conversation on the screen. It opens with one round trip: messages and header together.
 */
import type { Conversation } from 'twoticks';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { useClient, useEvents } from '../hooks.ts';
import { ChatHead } from './chat_head.tsx';
import { Composer } from './composer.tsx';
import { Info } from './info.tsx';
import { MessageList } from './message_list.tsx';

interface Props {
  id: string;
  chosen: number | null;
  onChoose: ((seq: number) => void) | null;
}

/** Where reading began: what comes after it was unread when the chat was opened. */
export interface UnreadLine {
  afterSeq: number;
  count: number;
}

function lineOf(conversation: Conversation | undefined): UnreadLine | null {
  if (!conversation || conversation.unread === 0) return null;
  return { afterSeq: conversation.myLastReadSeq, count: conversation.unread };
}

export function Chat({ id, chosen, onChoose }: Props) {
  const client = useClient();
  const timeline = useMemo(() => client.timeline(id), [client, id]);
  const [isReady, setReady] = useState(false);
  const [line, setLine] = useState<UnreadLine | null>(null);
  const [info, setInfo] = useState<number | null>(null);
  const [written, setWritten] = useState(0);
  useEvents(['conversation'], (one) => one === id);

  useEffect(() => {
    let gone = false;
    const start = async () => {
      await client.open(id);
      await timeline.load().catch(() => undefined);
      if (gone) return;
      setLine(lineOf(client.conversation(id)));
      setReady(true);
    };
    void start();
    return () => {
      gone = true;
      client.leave(id);
    };
  }, [client, id]);

  // As soon as the chat is seen: an effect after the paint may come long after it.
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (
        event.key === 'Escape' &&
        !event.defaultPrevented &&
        !document.querySelector('dialog[open]')
      )
        location.hash = '';
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);

  const conversation = client.conversation(id);
  return (
    <main class="chat">
      <ChatHead id={id} conversation={conversation} isReady={isReady} />
      {isReady ? (
        <MessageList
          id={id}
          timeline={timeline}
          conversation={conversation}
          line={line}
          written={written}
          chosen={chosen}
          onChoose={onChoose}
          onInfo={setInfo}
        />
      ) : (
        <div class="messages" />
      )}
      <Composer
        id={id}
        onSend={async (text) => {
          // Safe on the device first: to get to the end may take the line, or fail.
          await client.queue(id, text);
          setLine(null);
          setWritten((count) => count + 1);
        }}
      />
      {info !== null && <Info id={id} seq={info} onClose={() => setInfo(null)} />}
    </main>
  );
}
