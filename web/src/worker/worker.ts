/*
 * worker: the service worker. It keeps the page's own files, so that the client opens without a
 * line, and shows what is pushed. Everything that is asked of the server passes it by.
 */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface Pushed extends Extendable {
  readonly data: { json(): unknown } | null;
}

interface Clicked extends Extendable {
  readonly notification: Notification;
}

interface Page {
  readonly url: string;
  focus(): Promise<unknown>;
  postMessage(message: unknown, ports?: MessagePort[]): void;
}

interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: object): Promise<Page[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
  addEventListener(type: 'push', listener: (event: Pushed) => void): void;
  addEventListener(type: 'notificationclick', listener: (event: Clicked) => void): void;
}

interface News {
  type?: string;
  conversation_id?: string;
  title?: string;
  body?: string;
  /** Conversations with something unread. */
  badge?: number;
}

/** Where the client is installed, its icon has a badge; not every browser can. */
interface Badged {
  setAppBadge?(count: number): Promise<void>;
}

const scope = self as unknown as Scope;
const KEPT = 'twoticks-files';
const PAGE = '/';
const ANSWER_MS_MAX = 500;
/** The page takes it, too, where it shows notifications or looks for them. */
const LOCK = 'twoticks-notifications';
const ICONS = ['/icon.svg', '/icon-192.png', '/manifest.webmanifest'];

/** The page names its files, and their names change with their content. */
async function keepFiles(): Promise<void> {
  const kept = await caches.open(KEPT);
  const page = await fetch(PAGE, { cache: 'no-cache' });
  if (!page.ok) throw new Error(`the server answered ${page.status}`);
  const named = (await page.clone().text()).match(/\/assets\/[\w.-]+/g) ?? [];
  await kept.addAll([...named, ...ICONS]);
  await kept.put(PAGE, page);
  const wanted = new Set([PAGE, ...named, ...ICONS]);
  for (const request of await kept.keys()) {
    if (!wanted.has(new URL(request.url).pathname)) await kept.delete(request);
  }
}

async function openPage(request: Request): Promise<Response> {
  try {
    const page = await fetch(request);
    if (page.ok) return page;
  } catch {
    // No line.
  }
  return (await caches.match(PAGE)) ?? Response.error();
}

async function openFile(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function show(news: News): Promise<void> {
  const { conversation_id: tag, badge } = news;
  const options = {
    body: news.body ?? '',
    icon: '/icon-192.png',
    badge: '/icon-192.png',
    data: { conversation_id: tag },
    ...(tag === undefined ? {} : { tag }),
  };
  await navigator.locks.request(LOCK, () =>
    scope.registration.showNotification(news.title ?? 'Two Ticks', options),
  );
  if (badge !== undefined) await (navigator as Badged).setAppBadge?.(badge).catch(() => undefined);
}

/** Whether somebody is there who has that conversation; a page that sleeps does not say. */
function knows(page: Page, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => resolve(event.data === true);
    setTimeout(() => resolve(false), ANSWER_MS_MAX);
    page.postMessage({ ask: id }, [port2]);
  });
}

async function openConversation(id: unknown): Promise<void> {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  let [page] = pages;
  if (typeof id === 'string') {
    const known = await Promise.all(pages.map((one) => knows(one, id)));
    page = pages[known.indexOf(true)] ?? page;
  }
  if (!page) {
    const place = typeof id === 'string' ? `/#/c/${encodeURIComponent(id)}` : PAGE;
    await scope.clients.openWindow(place);
    return;
  }
  // Where it may not come to the front, it is there all the same when it does.
  await page.focus().catch(() => undefined);
  if (typeof id === 'string') page.postMessage({ open: id });
}

scope.addEventListener('install', (event) => {
  event.waitUntil(keepFiles().then(() => scope.skipWaiting()));
});

scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && pathname === PAGE) event.respondWith(openPage(request));
  else if (pathname.startsWith('/assets/') || ICONS.includes(pathname))
    event.respondWith(openFile(request));
});

scope.addEventListener('push', (event) => {
  let news: News = {};
  try {
    news = (event.data?.json() ?? {}) as News;
  } catch {
    // A push without words still says that something came.
  }
  event.waitUntil(show(news));
});

scope.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const data = event.notification.data as { conversation_id?: unknown } | null;
  event.waitUntil(openConversation(data?.conversation_id));
});
