/*
 * name: what people and conversations are called on the screen, and whether they are muted.
 */
import type { Conversation } from 'twoticks';

/** Ids that are a plain lower-case word read better with a capital. */
export function nameOf(userId: string): string {
  return /^[a-z]+$/.test(userId) ? userId.charAt(0).toUpperCase() + userId.slice(1) : userId;
}

export function titleOf(conversation: Conversation, me: string): string {
  if (conversation.title) return conversation.title;
  if (conversation.peer) return nameOf(conversation.peer);
  const others = conversation.members.filter((member) => member !== me);
  return others.map(nameOf).join(', ') || conversation.id;
}

export function isMutedNow({ mutedUntil }: Conversation, now = Date.now()): boolean {
  return mutedUntil !== null && Date.parse(mutedUntil) > now;
}
