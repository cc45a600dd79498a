/*
 * drawer: for developers: the frames as they pass, and the way of one message.
 */
import { useState } from 'preact/hooks';
import { Icon } from '../part/icon.tsx';
import { say } from '../word/language.ts';
import { Frames } from './frames.tsx';
import { Way } from './way.tsx';

interface Props {
  place: string | null;
  chosen: number | null;
  onClose: () => void;
}

export function Drawer({ place, chosen, onClose }: Props) {
  const [tab, setTab] = useState<'frames' | 'ticks'>('frames');
  const choose = (next: 'frames' | 'ticks') => () => setTab(next);
  return (
    <aside class="drawer" aria-label={say('developerOpen')}>
      <h2 class="only-heard">{say('developerOpen')}</h2>
      <header class="drawer-head">
        <div class="choices" role="group" aria-label={say('developer')}>
          <button type="button" aria-pressed={tab === 'frames'} onClick={choose('frames')}>
            {say('frames')}
          </button>
          <button type="button" aria-pressed={tab === 'ticks'} onClick={choose('ticks')}>
            {say('ticks')}
          </button>
        </div>
        <button type="button" class="round" aria-label={say('close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Frames isShown={tab === 'frames'} />
      {tab === 'ticks' && <Way place={place} chosen={chosen} />}
    </aside>
  );
}
