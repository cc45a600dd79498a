/*
 * banner: what is wrong with the line, when it lasts.
 */
import { useClient, useEvents, useLasting } from './hooks.ts';
import { say } from './word/language.ts';

const PATIENCE_MS = 2_000;

export function Banner() {
  const client = useClient();
  useEvents(['line']);
  const { line } = client;
  const isDown = useLasting(line === 'offline' || line === 'connecting', PATIENCE_MS);
  return (
    <div class="banner-place" role="status">
      {line === 'replaced' && (
        <div class="banner banner-replaced">
          <span>{say('bannerReplaced')}</span>
          <button type="button" class="plain" onClick={() => client.takeOver()}>
            {say('bannerHere')}
          </button>
        </div>
      )}
      {isDown && (
        <div class="banner">
          <span class="spinner" aria-hidden="true" />
          <span>{say('bannerConnecting')}</span>
        </div>
      )}
    </div>
  );
}
