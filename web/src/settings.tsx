/*
 * settings: appearance, notifications, last seen, and the way out.
 */
import { useEffect, useState } from 'preact/hooks';
import { useClient, useRedraw } from './hooks.ts';
import { canNotify, turnOnNotifications } from './notice.ts';
import { Dialog } from './part/dialog.tsx';
import { askSignIn, type Session } from './session.ts';
import { setTheme, type Theme, themeNow } from './theme.ts';
import { say } from './word/language.ts';
import { nameOf } from './word/name.ts';

interface Props {
  session: Session;
  onClose: () => void;
  onSignOut: () => void;
  onDrawer: () => void;
}

const THEMES: [Theme, 'themeSystem' | 'themeLight' | 'themeDark'][] = [
  ['system', 'themeSystem'],
  ['light', 'themeLight'],
  ['dark', 'themeDark'],
];

export function Settings({ session, onClose, onSignOut, onDrawer }: Props) {
  const [, redraw] = useRedraw();
  const choose = (theme: Theme) => {
    setTheme(theme);
    redraw();
  };
  return (
    <Dialog title={say('settings')} onClose={onClose}>
      <fieldset class="setting">
        <legend>{say('theme')}</legend>
        <div class="choices">
          {THEMES.map(([theme, word]) => (
            <label key={theme}>
              <input
                type="radio"
                name="theme"
                checked={themeNow() === theme}
                onChange={() => choose(theme)}
              />
              <span>{say(word)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <NotificationSetting />
      <LastSeenSetting />
      <div class="setting">
        <button
          type="button"
          class="plain"
          onClick={() => {
            onClose();
            onDrawer();
          }}
        >
          {say('developerOpen')}
        </button>
        <button type="button" class="plain danger" onClick={onSignOut}>
          {say('signOut')} ({nameOf(session.user_id)})
        </button>
      </div>
    </Dialog>
  );
}

function NotificationSetting() {
  const client = useClient();
  const [, redraw] = useRedraw();
  const state = canNotify();
  if (state === 'never') return null;
  const turnOn = async () => {
    const { push_key } = await askSignIn();
    await turnOnNotifications(client, push_key ?? null).catch(() => undefined);
    redraw();
  };
  return (
    <div class="setting">
      <h3>{say('notifications')}</h3>
      {state === 'default' && (
        <button type="button" class="plain" onClick={() => void turnOn()}>
          {say('notificationsOn')}
        </button>
      )}
      {state === 'granted' && <p>{say('notificationsAreOn')}</p>}
      {state === 'denied' && <p>{say('notificationsDenied')}</p>}
    </div>
  );
}

function LastSeenSetting() {
  const client = useClient();
  const [shares, setShares] = useState<boolean | null>(null);
  useEffect(() => {
    client.settings().then(
      (settings) => setShares(settings.share_last_seen !== 'nobody'),
      () => undefined,
    );
  }, [client]);
  if (shares === null) return null;
  const change = async (next: boolean) => {
    setShares(next);
    await client
      .changeSettings({ share_last_seen: next ? 'everyone' : 'nobody' })
      .catch(() => setShares(!next));
  };
  return (
    <div class="setting">
      <label class="switch">
        <input
          type="checkbox"
          checked={shares}
          onChange={(event) => void change(event.currentTarget.checked)}
        />
        <span>
          {say('lastSeenShare')}
          <small>{say('lastSeenHint')}</small>
        </span>
      </label>
    </div>
  );
}
