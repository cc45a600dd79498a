/*
 * tick_watch: looks at the ticks of all of somebody's pages in every frame of the screen.
 */
import type { BrowserContext, Page } from 'playwright-core';

const RANK = new Map([
  ['sending', 0],
  ['sent', 1],
  ['delivered', 2],
  ['read', 3],
]);

export interface TickWatch {
  /** What went back, or is no tick that a message may have. */
  readonly wrongs: string[];
  /** The highest tick that any message was shown with, by its text. */
  readonly highest: Map<string, string>;
}

export async function watchTicks(context: BrowserContext): Promise<TickWatch> {
  const watch: TickWatch = { wrongs: [], highest: new Map() };
  const shown = new Map<string, number>();
  const pages: Page[] = [];
  await context.exposeBinding('noteTick', ({ page }, text: string, tick: string) => {
    const rank = RANK.get(tick);
    if (!pages.includes(page)) pages.push(page);
    const place = `${pages.indexOf(page)} ${text}`;
    if (rank === undefined) watch.wrongs.push(`"${text}": ${tick}`);
    else if (rank < (shown.get(place) ?? 0)) watch.wrongs.push(`"${text}" went back to ${tick}`);
    shown.set(place, rank ?? 0);
    if ((rank ?? 0) >= (RANK.get(watch.highest.get(text) ?? '') ?? 0))
      watch.highest.set(text, tick);
  });
  await context.addInitScript(() => {
    const note = (window as unknown as { noteTick(text: string, tick: string): void }).noteTick;
    const last = new Map<string, string>();
    const look = () => {
      for (const row of document.querySelectorAll('main [role=list] [data-key]')) {
        const tick = row.querySelector('[role=img]')?.getAttribute('aria-label');
        const text = row.querySelector('.text')?.textContent ?? '';
        if (!tick || last.get(text) === tick) continue;
        last.set(text, tick);
        note(text, tick);
      }
      requestAnimationFrame(look);
    };
    look();
  });
  return watch;
}
