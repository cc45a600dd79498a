/*
 * composer: where one writes. Enter sends, Shift+Enter breaks the line; what is not sent is kept.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { draftOf, keepDraft } from '../draft.ts';
import { useClient } from '../hooks.ts';
import { Icon } from '../part/icon.tsx';
import { say } from '../word/language.ts';
import { EmojiChoice } from './emoji.tsx';

const HEIGHT_MAX = 180;
const WIDE = '(min-width: 800px)';

interface Props {
  id: string;
  /** Resolves when the text is safe; rejects where this device cannot keep it. */
  onSend: (text: string) => Promise<void>;
}

export function Composer({ id, onSend }: Props) {
  const client = useClient();
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => draftOf(client.userId, id));
  const [choosing, setChoosing] = useState(false);
  const [failed, setFailed] = useState(false);

  useLayoutEffect(() => {
    const element = field.current!;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, HEIGHT_MAX)}px`;
    element.style.overflowY = element.scrollHeight > HEIGHT_MAX ? 'auto' : 'hidden';
  }, [text]);
  // At once, or it would take the focus from what one has clicked by then.
  useLayoutEffect(() => {
    // On a phone it would open the keyboard over what one came to read.
    if (matchMedia(WIDE).matches) field.current?.focus({ preventScroll: true });
  }, []);

  const change = (next: string) => {
    setText(next);
    keepDraft(client.userId, id, next);
    if (next.trim()) client.type(id);
  };
  const send = () => {
    if (!text.trim()) return;
    setText('');
    setFailed(false);
    setChoosing(false);
    onSend(text).then(
      () => {
        // Until now it was the draft, in case this tab ends.
        if (draftOf(client.userId, id) === text) keepDraft(client.userId, id, '');
      },
      () => {
        setText((since) => (since ? `${text}\n${since}` : text));
        setFailed(true);
      },
    );
    field.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  };
  /** The choice goes first, from wherever in it; the chat with the next one. */
  const leaveChoice = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !choosing) return;
    event.preventDefault();
    setChoosing(false);
    field.current?.focus();
  };
  const insert = (emoji: string) => {
    const element = field.current!;
    const { selectionStart: from, selectionEnd: to } = element;
    change(text.slice(0, from) + emoji + text.slice(to));
    element.focus();
    requestAnimationFrame(() =>
      element.setSelectionRange(from + emoji.length, from + emoji.length),
    );
  };

  return (
    <form
      class="composer"
      onKeyDown={leaveChoice}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {choosing && <EmojiChoice onChoose={insert} />}
      {failed && (
        <p class="refusal" role="alert">
          {say('failed')}
        </p>
      )}
      <div class="composer-box">
        <button
          type="button"
          class="round"
          aria-label={say('emoji')}
          aria-expanded={choosing}
          onClick={() => setChoosing(!choosing)}
        >
          <Icon name="smile" />
        </button>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          placeholder={say('message')}
          aria-label={say('message')}
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={press}
        />
        <button type="submit" class="round send" aria-label={say('send')} disabled={!text.trim()}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
