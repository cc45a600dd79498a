/*
 * notice: how one learns of news without looking: the title, the icon, notifications.
 */
import type { Client, ClientEvents } from 'twoticks';
import { addressOf, placeNow } from './hooks.ts';
import { isMutedNow, titleOf } from './word/name.ts';

interface Policy {
  createScriptURL(url: string): string;
}

/** Where the client is installed, its icon has a badge; not every browser can. */
interface Badged {
  setAppBadge?(count: number): Promise<void>;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

const TITLE = 'Two Ticks';
const ICON = '/icon.svg';
const WORKER = '/worker.js';
const BODY_MAX = 200;
/** So long somebody who looks at it elsewhere has to read it. */
const NOTIFY_AFTER_MS = 700;
/**
 * What shows notifications and what looks for them takes turns, here and in the worker: Chromium,
 * when asked for its notifications, forgets the one that it is about to show.
 */
const LOCK = 'twoticks-notifications';
const ICON_AFTER_MS = 300;

/** The service worker: the page without a line, and pushed notifications. */
export function startWorker(): void {
  if (!('serviceWorker' in navigator)) return;
  const types = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  const policy = types?.createPolicy('twoticks', { createScriptURL: (url) => url });
  const url = policy ? policy.createScriptURL(WORKER) : WORKER;
  navigator.serviceWorker.register(url, { type: 'module' }).catch(() => {
    // Without it there are no notifications, and no page without a line.
  });
  navigator.serviceWorker.addEventListener('message', (event: MessageEvent<unknown>) => {
    const data = event.data as { open?: unknown } | null;
    if (typeof data?.open === 'string') location.hash = addressOf(data.open);
  });
}

let shownIcon = 0;

function drawIcon(count: number): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (!link || shownIcon === count) return;
  shownIcon = count;
  if (count === 0) {
    link.href = ICON;
    return;
  }
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 64;
    const pen = canvas.getContext('2d')!;
    pen.drawImage(image, 0, 0, 64, 64);
    pen.fillStyle = '#d92d20';
    pen.beginPath();
    pen.arc(44, 20, 20, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = '#fff';
    pen.font = 'bold 28px sans-serif';
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.fillText(count > 9 ? '9+' : String(count), 44, 22);
    if (shownIcon === count) link.href = canvas.toDataURL();
  };
  image.src = ICON;
}

/**
 * Keeps the number of conversations with something unread where the eye falls on it, until the
 * answer is called. A backlog changes it many times a second, and to draw an icon takes longer than
 * to store what changed it: the title follows at once, the icon a little later.
 */
export function watchUnread(client: Client): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown = 0;
  const draw = () => {
    timer = undefined;
    drawIcon(shown);
    void (navigator as Badged).setAppBadge?.(shown).catch(() => undefined);
  };
  const show = () => {
    const count = client.conversations().filter((one) => one.unread > 0).length;
    if (count === shown) return;
    shown = count;
    document.title = count > 0 ? `(${count}) ${TITLE}` : TITLE;
    timer ??= setTimeout(draw, ICON_AFTER_MS);
  };
  show();
  const off = client.on('conversations', show);
  return () => {
    off();
    clearTimeout(timer);
    document.title = TITLE;
    shown = 0;
    draw();
  };
}

export function canNotify(): NotificationPermission | 'never' {
  return 'Notification' in window ? Notification.permission : 'never';
}

/** Only ever after a click. Throws where the browser cannot be rung by its push service. */
export async function turnOnNotifications(client: Client): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') return;
  await client.subscribePush(await navigator.serviceWorker.ready);
}

/** For signing out: this browser rings for that user no more. */
export async function turnOffNotifications(client: Client): Promise<void> {
  if (canNotify() !== 'granted') return;
  const worker = await navigator.serviceWorker.getRegistration();
  if (!worker) return;
  await navigator.locks.request(LOCK, async () => {
    for (const one of await worker.getNotifications()) one.close();
  });
  await client.unsubscribePush(worker);
}

async function closeNotifications(tag: string): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration();
  await navigator.locks.request(LOCK, async () => {
    for (const one of (await worker?.getNotifications({ tag })) ?? []) one.close();
  });
}

async function notify(client: Client, message: ClientEvents['message']): Promise<void> {
  const { conversationId: tag, seq } = message;
  const conversation = client.conversation(tag);
  // Read meanwhile, in another tab or on another device: nothing to tell any more.
  if (!conversation || conversation.myLastReadSeq >= seq || isMutedNow(conversation)) return;
  const worker = await navigator.serviceWorker?.getRegistration();
  const options = {
    body: message.content.slice(0, BODY_MAX),
    tag,
    icon: '/icon-192.png',
    data: { conversation_id: tag },
  };
  await navigator.locks.request(LOCK, () =>
    worker?.showNotification(titleOf(conversation, client.userId), options),
  );
}

interface Due {
  at: number;
  message: ClientEvents['message'];
}

/**
 * While the page is open but not looked at, it notifies by itself. A backlog brings thousands at
 * once, and a browser takes its time to say whether it may: so they are gathered, and of each
 * conversation the newest is told.
 */
export function watchMessages(client: Client): () => void {
  let due: Due[] = [];
  const read = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = () => {
    timer ??= setTimeout(work, NOTIFY_AFTER_MS);
  };
  function work(): void {
    timer = undefined;
    const now = performance.now();
    const ripe = due.filter((one) => one.at <= now);
    due = due.filter((one) => one.at > now);
    if (canNotify() === 'granted') {
      for (const id of read) if (!client.conversation(id)?.unread) void closeNotifications(id);
      const newest = new Map(ripe.map(({ message }) => [message.conversationId, message]));
      for (const message of newest.values()) void notify(client, message);
    }
    read.clear();
    if (due.length > 0) later();
  }
  const offMessage = client.on('message', (message) => {
    if (document.visibilityState === 'visible' && placeNow() === message.conversationId) return;
    due.push({ at: performance.now() + NOTIFY_AFTER_MS, message });
    later();
  });
  const offRead = client.on('conversation', (id) => {
    if (client.conversation(id)?.unread !== 0) return;
    read.add(id);
    later();
  });
  const answer = (event: MessageEvent<unknown>) => {
    const data = event.data as { ask?: unknown } | null;
    if (typeof data?.ask === 'string')
      event.ports[0]?.postMessage(client.conversation(data.ask) !== undefined);
  };
  navigator.serviceWorker?.addEventListener('message', answer);
  return () => {
    offMessage();
    offRead();
    clearTimeout(timer);
    navigator.serviceWorker?.removeEventListener('message', answer);
  };
}
