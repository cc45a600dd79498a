/*
 * browser: Debian's Chromium; each person has a context of their own, and nothing may be wrong in
 * any page: no console message, no breach of the policy, no request elsewhere.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What a page without a line cannot help but say. */
const OFFLINE = /ERR_(CONNECTION|INTERNET|EMPTY|SOCKET)_[A-Z_]+|WebSocket connection to/;

export interface PersonOptions {
  locale?: string;
  timezoneId?: string;
  width?: number;
  height?: number;
  colorScheme?: 'light' | 'dark';
  hasTouch?: boolean;
  reducedMotion?: 'reduce' | 'no-preference';
  serviceWorkers?: 'allow' | 'block';
}

export class Stage {
  readonly #browser: Browser;
  readonly #url: string;
  readonly wrongs: string[] = [];

  private constructor(browser: Browser, url: string) {
    this.#browser = browser;
    this.#url = url;
  }

  static async open(url: string): Promise<Stage> {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
    return new Stage(browser, url);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async context(options: PersonOptions = {}): Promise<BrowserContext> {
    const { width = 1180, height = 760, locale = 'en-GB', timezoneId = 'UTC', ...more } = options;
    const context = await this.#browser.newContext({
      baseURL: this.#url,
      viewport: { width, height },
      locale,
      timezoneId,
      ...more,
    });
    context.on('weberror', (error) => this.wrongs.push(String(error.error())));
    context.on('console', (message) => {
      if (!OFFLINE.test(message.text())) this.wrongs.push(`console: ${message.text()}`);
    });
    context.on('dialog', (dialog) => {
      this.wrongs.push(`a dialog: ${dialog.type()} ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && origin !== this.#url)
        this.wrongs.push(`a request elsewhere: ${request.url()}`);
    });
    return context;
  }

  /** Somebody with a browser, signed in. */
  async person(name: 'alice' | 'bob', options: PersonOptions = {}): Promise<Page> {
    const context = await this.context(options);
    return this.signIn(await context.newPage(), name);
  }

  async signIn(page: Page, name: 'alice' | 'bob'): Promise<Page> {
    await page.goto('/');
    const spoken = name.charAt(0).toUpperCase() + name.slice(1);
    await page.getByRole('button', { name: `Continue as ${spoken}` }).click();
    await page.getByRole('navigation', { name: 'Chats' }).waitFor();
    return page;
  }
}

/** Opens a conversation from the list. */
export async function openChat(page: Page, name: string): Promise<void> {
  await page
    .getByRole('navigation')
    .getByRole('link', { name: new RegExp(`^\\W*${name}`) })
    .click();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
}

export async function say(page: Page, text: string): Promise<void> {
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill(text);
  await box.press('Enter');
}

/** The ticks of one's own messages, oldest first, by their names in the accessibility tree. */
export async function ticksOf(page: Page): Promise<string[]> {
  const marks = await page.getByRole('main').getByRole('list').getByRole('img').all();
  return Promise.all(marks.map(async (mark) => (await mark.getAttribute('aria-label')) ?? ''));
}
