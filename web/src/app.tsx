/*
 * app: the whole of it: signing in, or the list beside a conversation.
 */
import type { Client } from 'twoticks';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { Banner } from './banner.tsx';
import { Chat } from './chat/chat.tsx';
import { Drawer } from './drawer/drawer.tsx';
import { ClientContext, useEvents, usePlace } from './hooks.ts';
import { ChatList } from './list/chat_list.tsx';
import { NewChat } from './list/new_chat.tsx';
import { watchMessages, watchUnread } from './notice.ts';
import { connectSession, currentSession, leaveSession, type Session, signOut } from './session.ts';
import { Settings } from './settings.tsx';
import { SignInPage } from './sign_in.tsx';
import { TickMark } from './part/tick.tsx';
import { say } from './word/language.ts';

export function App() {
  const [session, setSession] = useState<Session | null>(currentSession);
  const [client, setClient] = useState<Client | null>(null);

  useEffect(() => {
    if (!session) return undefined;
    let mine: Client | null = null;
    let gone = false;
    void connectSession(session).then((made) => {
      mine = made;
      if (gone) made.close();
      else setClient(made);
    });
    return () => {
      gone = true;
      mine?.close();
      setClient(null);
    };
  }, [session]);

  if (!session) return <SignInPage onSignedIn={setSession} />;
  if (!client) return <div class="starting" />;
  const leave = () => {
    location.hash = '';
    setSession(null);
  };
  return (
    <ClientContext.Provider value={client}>
      <Home
        client={client}
        session={session}
        onSignOut={() => void signOut(session, client).then(leave)}
        onSignedOut={() => {
          leaveSession();
          leave();
        }}
      />
    </ClientContext.Provider>
  );
}

interface HomeProps {
  client: Client;
  session: Session;
  onSignOut: () => void;
  onSignedOut: () => void;
}

type Open = 'new' | 'settings' | null;

function Home({ client, session, onSignOut, onSignedOut }: HomeProps) {
  const place = usePlace();
  const [open, setOpen] = useState<Open>(null);
  const [drawer, setDrawer] = useState(false);
  const [chosen, setChosen] = useState<number | null>(null);
  useEvents(['line']);

  useEffect(() => {
    if (client.line === 'signed_out') onSignedOut();
  }, [client, client.line]);
  useEffect(() => {
    const offUnread = watchUnread(client);
    const offMessages = watchMessages(client);
    return () => {
      offUnread();
      offMessages();
    };
  }, [client]);
  useEffect(() => {
    if (session.kind === 'demo') void openDemoChat(client);
  }, [client, session]);
  useEffect(() => setChosen(null), [place]);

  const choose = useCallback((seq: number | null) => setChosen(seq), []);
  const close = () => setOpen(null);
  return (
    <div class={`home ${place ? 'in-chat' : 'in-list'} ${drawer ? 'with-drawer' : ''}`}>
      <Banner />
      <ChatList
        place={place}
        onNew={() => setOpen('new')}
        onSettings={() => setOpen('settings')}
        onDrawer={() => setDrawer(!drawer)}
        drawer={drawer}
      />
      {place ? (
        <Chat
          key={place}
          id={place}
          chosen={drawer ? chosen : null}
          onChoose={drawer ? choose : null}
        />
      ) : (
        <Nothing />
      )}
      {drawer && <Drawer place={place} chosen={chosen} onClose={() => setDrawer(false)} />}
      {open === 'new' && <NewChat onClose={close} />}
      {open === 'settings' && (
        <Settings
          session={session}
          onClose={close}
          onSignOut={onSignOut}
          onDrawer={() => setDrawer(true)}
        />
      )}
    </div>
  );
}

/** Alice and Bob know each other. */
async function openDemoChat(client: Client): Promise<void> {
  await client.online().catch(() => undefined);
  const members = ['alice', 'bob'];
  if (members.includes(client.userId)) await client.create({ members }).catch(() => undefined);
}

function Nothing() {
  return (
    <main class="nothing">
      <div class="nothing-mark" aria-hidden="true">
        <TickMark tick="blue" />
      </div>
      <p class="nothing-title">{say('choose')}</p>
      <p>{say('chooseHint')}</p>
    </main>
  );
}
