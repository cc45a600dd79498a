/*
 * new_chat: starts a conversation with one or several people.
 */
import { useState } from 'preact/hooks';
import { addressOf, useClient } from '../hooks.ts';
import { Dialog } from '../part/dialog.tsx';
import { say } from '../word/language.ts';

export function NewChat({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const [names, setNames] = useState('');
  const [title, setTitle] = useState('');
  const [problem, setProblem] = useState('');
  const members = names.split(/[\s,]+/).filter((name) => name !== '' && name !== client.userId);
  const isGroup = members.length > 1;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (members.length === 0) return;
    try {
      const group = isGroup
        ? { kind: 'group' as const, title: title.trim() || members.join(', ') }
        : {};
      const id = await client.create({ members, ...group });
      onClose();
      location.hash = addressOf(id);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };

  return (
    <Dialog title={say('newChat')} onClose={onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <label>
          <span>{say('newChatWith')}</span>
          <input
            value={names}
            onInput={(event) => setNames(event.currentTarget.value)}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="new-chat-hint"
            data-first
          />
        </label>
        <p id="new-chat-hint" class="hint">
          {say('newChatHint')}
        </p>
        {isGroup && (
          <label>
            <span>{say('groupTitle')}</span>
            <input value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
          </label>
        )}
        {problem && <p role="alert">{problem}</p>}
        <div class="dialog-foot">
          <button type="button" class="plain" onClick={onClose}>
            {say('cancel')}
          </button>
          <button type="submit" class="primary" disabled={members.length === 0}>
            {say('start')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
