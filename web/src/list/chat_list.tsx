/*
 * chat_list: all conversations, newest activity first.
 */
import type { Conversation } from 'twoticks';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useClient, useEvents } from '../hooks.ts';
import { Avatar } from '../part/avatar.tsx';
import { Icon } from '../part/icon.tsx';
import { say } from '../word/language.ts';
import { nameOf, titleOf } from '../word/name.ts';
import { ChatRow } from './chat_row.tsx';

interface Props {
  place: string | null;
  drawer: boolean;
  onNew: () => void;
  onSettings: () => void;
  onDrawer: () => void;
}

const MINUTE_MS = 60_000;

export function ChatList({ place, drawer, onNew, onSettings, onDrawer }: Props) {
  const client = useClient();
  const [search, setSearch] = useState('');
  const [now, setNow] = useState(() => new Date());
  const field = useRef<HTMLInputElement>(null);
  const rows = useRef<HTMLUListElement>(null);
  useEvents(['conversations']);
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);

  const all = client.conversations();
  const wanted = search.trim().toLocaleLowerCase();
  const fits = (one: Conversation) =>
    titleOf(one, client.userId).toLocaleLowerCase().includes(wanted);
  const shown = wanted ? all.filter(fits) : all;

  /** Up and down go through the rows; up from the first one is the search. */
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const links = [...(rows.current?.querySelectorAll('a') ?? [])];
    const next = links.indexOf(document.activeElement as HTMLAnchorElement) + step;
    if (next < 0) field.current?.focus();
    else links[Math.min(next, links.length - 1)]?.focus();
  };

  return (
    <nav class="list" aria-label={say('chats')} onKeyDown={move}>
      <header class="list-head">
        <Avatar id={client.userId} title={nameOf(client.userId)} size="small" />
        <h1>{nameOf(client.userId)}</h1>
        <button
          type="button"
          class="round only-wide"
          aria-label={say('developerOpen')}
          aria-pressed={drawer}
          onClick={onDrawer}
        >
          <Icon name="code" />
        </button>
        <button type="button" class="round" aria-label={say('settings')} onClick={onSettings}>
          <Icon name="settings" />
        </button>
        <button type="button" class="round accent" aria-label={say('newChat')} onClick={onNew}>
          <Icon name="plus" />
        </button>
      </header>
      <div class="search">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          placeholder={say('search')}
          aria-label={say('search')}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setSearch('');
          }}
        />
        <kbd aria-hidden="true">Ctrl K</kbd>
      </div>
      {shown.length > 0 && (
        <ul class="rows" ref={rows}>
          {shown.map((one) => (
            <ChatRow key={one.id} conversation={one} isHere={one.id === place} now={now} />
          ))}
        </ul>
      )}
      {shown.length === 0 && (
        <div class="rows-none">
          {wanted ? (
            <p>{say('noMatch')}</p>
          ) : (
            <>
              <p class="rows-none-title">{say('noChats')}</p>
              <p>{say('noChatsHint')}</p>
              <button type="button" class="primary" onClick={onNew}>
                {say('newChat')}
              </button>
            </>
          )}
        </div>
      )}
    </nav>
  );
}
