/*
 * text: what somebody wrote, as text. Nothing in it becomes markup; web addresses become links.
 */
import type { ComponentChild } from 'preact';

const LINK = /\bhttps?:\/\/[^\s<>"']+/gi;
const TRAILING = /[.,:;!?)\]}]+$/;
const EMOJI_ONLY =
  /^(?:\p{RGI_Emoji}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F?){1,3}$/v;

/** A full stop behind an address is no part of it, nor is a bracket that it does not open. */
function withoutEnd(address: string): string {
  const short = address.replace(TRAILING, '');
  return short.includes('(') && address[short.length] === ')' ? `${short})` : short;
}

/** Text with its links; `javascript:` and every other scheme stays text. */
export function withLinks(text: string): ComponentChild[] {
  const parts: ComponentChild[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = withoutEnd(match[0]);
    if (!URL.canParse(address)) continue;
    parts.push(text.slice(end, match.index));
    parts.push(
      <a href={address} target="_blank" rel="noopener noreferrer">
        {address}
      </a>,
    );
    end = match.index + address.length;
  }
  parts.push(text.slice(end));
  return parts;
}

export function isEmojiOnly(text: string): boolean {
  return text.length <= 40 && EMOJI_ONLY.test(text.trim());
}

/** One line for the list. */
export function preview(text: string): string {
  return text.slice(0, 200).replace(/\s+/g, ' ');
}
