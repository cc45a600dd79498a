/*
 * info: when each of the others got and read a message, and why its tick is what it is.
 */
import type { MessageInfo, Why } from 'twoticks';
import { useEffect, useState } from 'preact/hooks';
import { useClient, useEvents } from '../hooks.ts';
import { Avatar } from '../part/avatar.tsx';
import { Dialog } from '../part/dialog.tsx';
import { TickMark } from '../part/tick.tsx';
import { say } from '../word/language.ts';
import { nameOf } from '../word/name.ts';
import { fullTimeOf } from '../word/when.ts';

export interface Facts {
  info: MessageInfo;
  why: Why;
}

/** What the server says of a message; asked again when the conversation moves. */
export function useFacts(id: string, seq: number | null): Facts | string | null {
  const client = useClient();
  const [facts, setFacts] = useState<Facts | string | null>(null);
  useEvents(['conversation'], (one) => one === id);
  const cursors = client.conversation(id);
  useEffect(() => {
    if (seq === null) {
      setFacts(null);
      return undefined;
    }
    let gone = false;
    Promise.all([client.info(id, seq), client.why(id, seq)]).then(
      ([info, why]) => gone || setFacts({ info, why }),
      (error: unknown) => gone || setFacts((error as Error).message),
    );
    return () => {
      gone = true;
    };
  }, [client, id, seq, cursors?.lastDeliveredSeq, cursors?.lastReadSeq]);
  return facts;
}

export function Info({ id, seq, onClose }: { id: string; seq: number; onClose: () => void }) {
  const facts = useFacts(id, seq);
  return (
    <Dialog title={say('info')} onClose={onClose}>
      {typeof facts === 'string' && <p role="alert">{facts}</p>}
      {facts && typeof facts !== 'string' && <InfoText facts={facts} />}
    </Dialog>
  );
}

export function InfoText({ facts }: { facts: Facts }) {
  const { info, why } = facts;
  return (
    <div class="info">
      <p class="info-sent">
        <TickMark tick={why.tick} />
        <span>
          {say('sentAt')}: {fullTimeOf(info.timestamp)}
        </span>
      </p>
      <ul class="info-members">
        {info.members.map((member) => (
          <li key={member.user_id}>
            <Avatar id={member.user_id} title={nameOf(member.user_id)} size="small" />
            <div>
              <strong>{nameOf(member.user_id)}</strong>
              <dl>
                <dt>{say('delivered')}</dt>
                <dd>{member.delivered_at ? fullTimeOf(member.delivered_at) : '-'}</dd>
                <dt>{say('read')}</dt>
                <dd>{member.read_at ? fullTimeOf(member.read_at) : '-'}</dd>
              </dl>
            </div>
          </li>
        ))}
      </ul>
      <h3>{say('why')}</h3>
      <p class="why">{why.text}</p>
    </div>
  );
}
