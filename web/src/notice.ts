/*
 * notice: how one learns of news without looking: the title, the icon, notifications.
 */
import type { Client } from 'twoticks';
import { addressOf, placeNow } from './hooks.ts';
import { titleOf } from './word/name.ts';

interface Policy {
  createScriptURL(url: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

const TITLE = 'Two Ticks';
const ICON = '/icon.svg';
const WORKER = '/worker.js';

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
}

export function canNotify(): NotificationPermission | 'never' {
  return 'Notification' in window ? Notification.permission : 'never';
}

/** Only ever after a click. */
export async function turnOnNotifications(client: Client, pushKey: string | null): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted' || !pushKey) return;
  const worker = await navigator.serviceWorker.ready;
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: pushKey,
  });
  await client.registerPush({ provider: 'webpush', ...subscription.toJSON() });
}

/** While the page is open but not looked at, it notifies by itself. */
export function watchMessages(client: Client): () => void {
  const offMessage = client.on('message', (message) => {
    const isSeen = document.visibilityState === 'visible' && placeNow() === message.conversationId;
    if (isSeen || canNotify() !== 'granted') return;
    const conversation = client.conversation(message.conversationId);
    if (conversation?.mutedUntil && Date.parse(conversation.mutedUntil) > Date.now()) return;
    const title = conversation ? titleOf(conversation, client.userId) : message.sender;
    void navigator.serviceWorker?.ready.then((worker) =>
      worker.showNotification(title, {
        body: message.content.slice(0, 200),
        tag: message.conversationId,
        icon: '/icon-192.png',
        data: { conversation_id: message.conversationId },
      }),
    );
  });
  const offRead = client.on('conversation', (id) => {
    if ((client.conversation(id)?.unread ?? 1) > 0 || canNotify() !== 'granted') return;
    void navigator.serviceWorker?.ready
      .then((worker) => worker.getNotifications({ tag: id }))
      .then((shown) => shown.forEach((one) => one.close()));
  });
  return () => {
    offMessage();
    offRead();
  };
}
