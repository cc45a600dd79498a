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

/** The number of conversations with something unread, where the eye falls on it. */
export function showUnread(client: Client): void {
  const count = client.conversations().filter((one) => one.unread > 0).length;
  const title = count > 0 ? `(${count}) ${TITLE}` : TITLE;
  if (document.title === title) return;
  document.title = title;
  drawIcon(count);
  void (navigator as Badged).setAppBadge?.(count).catch(() => undefined);
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
  for (const one of await worker.getNotifications()) one.close();
  await client.unsubscribePush(worker);
}

async function closeNotifications(tag: string): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration();
  for (const one of (await worker?.getNotifications({ tag })) ?? []) one.close();
}

async function notify(client: Client, message: ClientEvents['message']): Promise<void> {
  const { conversationId: tag, seq } = message;
  const conversation = client.conversation(tag);
  // Read meanwhile, in another tab or on another device: nothing to tell any more.
  if (!conversation || conversation.myLastReadSeq >= seq || isMutedNow(conversation)) return;
  const worker = await navigator.serviceWorker?.getRegistration();
  await worker?.showNotification(titleOf(conversation, client.userId), {
    body: message.content.slice(0, BODY_MAX),
    tag,
    icon: '/icon-192.png',
    data: { conversation_id: tag },
  });
}

/** While the page is open but not looked at, it notifies by itself. */
export function watchMessages(client: Client): () => void {
  const offMessage = client.on('message', (message) => {
    const isSeen = document.visibilityState === 'visible' && placeNow() === message.conversationId;
    if (!isSeen && canNotify() === 'granted')
      setTimeout(() => void notify(client, message), NOTIFY_AFTER_MS);
  });
  const offRead = client.on('conversation', (id) => {
    if (client.conversation(id)?.unread === 0 && canNotify() === 'granted')
      void closeNotifications(id);
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
    navigator.serviceWorker?.removeEventListener('message', answer);
  };
}
