/*
 * settings: appearance, notifications, what others see, and the way out.
 */
import type { Settings as SettingsOfUser } from 'twoticks';
import { useEffect, useState } from 'preact/hooks';
import { useClient, useRedraw } from './hooks.ts';
import { canNotify, turnOnNotifications } from './notice.ts';
import { Dialog } from './part/dialog.tsx';
import type { Session } from './session.ts';
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
      <ServerSettings />
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
  const [problem, setProblem] = useState('');
  const state = canNotify();
  if (state === 'never') return null;
  const turnOn = async () => {
    setProblem('');
    await turnOnNotifications(client).catch((error: unknown) =>
      setProblem(say('notificationsOpenOnly', { reason: (error as Error).message })),
    );
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
      {state === 'granted' && !problem && <p>{say('notificationsAreOn')}</p>}
      {state === 'denied' && <p>{say('notificationsDenied')}</p>}
      {problem && <p role="alert">{problem}</p>}
    </div>
  );
}

/** What the server keeps for the user, on all devices; shown once it is known. */
function ServerSettings() {
  const client = useClient();
  const [known, setKnown] = useState<SettingsOfUser | null>(null);
  useEffect(() => {
    client.settings().then(setKnown, () => undefined);
  }, [client]);
  if (!known) return null;
  const change = async (part: SettingsOfUser) => {
    setKnown({ ...known, ...part });
    await client.changeSettings(part).catch(() => setKnown(known));
  };
  return (
    <div class="setting">
      <Switch
        on={known.share_last_seen !== 'nobody'}
        onChange={(on) => void change({ share_last_seen: on ? 'everyone' : 'nobody' })}
        text={say('lastSeenShare')}
        hint={say('lastSeenHint')}
      />
      <Switch
        on={known.push_preview !== false}
        onChange={(on) => void change({ push_preview: on })}
        text={say('previewShow')}
        hint={say('previewHint')}
      />
    </div>
  );
}

interface SwitchProps {
  on: boolean;
  onChange: (on: boolean) => void;
  text: string;
  hint: string;
}

function Switch({ on, onChange, text, hint }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        {text}
        <small>{hint}</small>
      </span>
    </label>
  );
}
