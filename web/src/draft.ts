/*
 * draft: what was written and not sent, per user and conversation.
 */
function keyOf(user: string, conversationId: string): string {
  // Ids hold no blank: no user is the beginning of another.
  return `twoticks.draft ${user} ${conversationId}`;
}

export function draftOf(user: string, conversationId: string): string {
  return localStorage.getItem(keyOf(user, conversationId)) ?? '';
}

export function keepDraft(user: string, conversationId: string, text: string): void {
  try {
    if (text) localStorage.setItem(keyOf(user, conversationId), text);
    else localStorage.removeItem(keyOf(user, conversationId));
  } catch {
    // No room: the draft lives as long as the page.
  }
}

/** For signing out. */
export function forgetDrafts(user: string): void {
  for (const key of Object.keys(localStorage))
    if (key.startsWith(keyOf(user, ''))) localStorage.removeItem(key);
}
