/*
 * sign_in: the first page: alice or bob by one click, or a name and a password.
 */
import { useEffect, useState } from 'preact/hooks';
import { Avatar } from './part/avatar.tsx';
import { TickMark } from './part/tick.tsx';
import {
  askSignIn,
  knownSessions,
  type Session,
  type SignIn,
  signInAsDemo,
  signInWithPassword,
} from './session.ts';
import { say } from './word/language.ts';
import { nameOf } from './word/name.ts';

const ASK_AGAIN_MS = 3_000;

export function SignInPage({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  const [offer, setOffer] = useState<SignIn | null>(null);
  const [isOffline, setOffline] = useState(false);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const ask = async () => {
      try {
        const found = await askSignIn();
        if (gone) return;
        setOffer(found);
        setOffline(false);
      } catch {
        if (gone) return;
        setOffline(true);
        timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
      }
    };
    void ask();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);

  const users = isOffline ? knownSessions().map((one) => one.user_id) : (offer?.demo_users ?? []);
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <div class="brand" aria-hidden="true">
          <TickMark tick="two" />
        </div>
        <h1>Two Ticks</h1>
        <p class="sign-in-lead">{say('signInTitle')}</p>
        {users.length > 0 && (
          <div class="sign-in-users">
            {users.map((user) => (
              <button
                key={user}
                type="button"
                class="sign-in-user"
                onClick={() => onSignedIn(sessionOf(user))}
              >
                <Avatar id={user} title={nameOf(user)} />
                <span>{say('signInAs', { name: nameOf(user) })}</span>
              </button>
            ))}
          </div>
        )}
        {!isOffline && users.length > 0 && <p class="hint">{say('signInDemo')}</p>}
        {isOffline && (
          <p class="hint" role="status">
            {say('signInOffline')}
          </p>
        )}
        {offer?.accounts && !isOffline && (
          <AccountForm register={offer.register} onSignedIn={onSignedIn} />
        )}
        {offer && !isOffline && !offer.accounts && users.length === 0 && (
          <p class="hint">{say('signInNone')}</p>
        )}
      </div>
    </main>
  );
}

function sessionOf(user: string): Session {
  return (
    knownSessions().find((one) => one.user_id === user && one.kind === 'account') ??
    signInAsDemo(user)
  );
}

interface FormProps {
  register: SignIn['register'];
  onSignedIn: (session: Session) => void;
}

function AccountForm({ register, onSignedIn }: FormProps) {
  const [isNew, setNew] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string) => String(form.get(name) ?? '');
    const given = { user_id: field('user').trim(), password: field('password') };
    setBusy(true);
    try {
      onSignedIn(await signInWithPassword(isNew ? { ...given, invite: field('invite') } : given));
    } catch (error) {
      setProblem(say('signInWrong', { reason: (error as Error).message }));
      setBusy(false);
    }
  };
  const turn = () => {
    setNew(!isNew);
    setProblem('');
  };
  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      <label>
        <span>{say('user')}</span>
        <input
          name="user"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
        />
      </label>
      <label>
        <span>{say('password')}</span>
        <input
          name="password"
          type="password"
          autocomplete={isNew ? 'new-password' : 'current-password'}
          required
        />
      </label>
      {isNew && register === 'invite' && (
        <label>
          <span>{say('invite')}</span>
          <input name="invite" autocomplete="off" spellcheck={false} required />
        </label>
      )}
      {problem && <p role="alert">{problem}</p>}
      <button type="submit" class="primary" disabled={isBusy}>
        {say(isNew ? 'register' : 'signInAccount')}
      </button>
      {register && (
        <button type="button" class="plain" onClick={turn}>
          {say(isNew ? 'signInInstead' : 'registerInstead')}
        </button>
      )}
    </form>
  );
}
