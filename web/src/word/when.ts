/*
 * when: times and days as the reader says them, in the reader's time zone.
 */
import type { Status } from 'twoticks';
import { dayLocale, language, say, timeLocale } from './language.ts';

const clock = new Intl.DateTimeFormat(timeLocale, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(dayLocale, { weekday: 'long' });
const date = new Intl.DateTimeFormat(dayLocale, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDate = new Intl.DateTimeFormat(timeLocale, { dateStyle: 'short' });
const full = new Intl.DateTimeFormat(timeLocale, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(dayLocale, { numeric: 'auto' });

function dayNumber(at: Date): number {
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000);
}

/** How many midnights ago; what a wrong clock puts into the future is today. */
function daysAgo(at: Date, now: Date): number {
  return Math.max(0, dayNumber(now) - dayNumber(at));
}

export function timeOf(at: string): string {
  return clock.format(new Date(at));
}

export function fullTimeOf(at: string): string {
  return full.format(new Date(at));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}

/** Today, Yesterday, Monday, or the date: between messages. */
export function dayOf(at: string, now = new Date()): string {
  const day = new Date(at);
  const days = daysAgo(day, now);
  if (days <= 1) return capital(relative.format(-days, 'day'));
  return days < 7 ? capital(weekday.format(day)) : date.format(day);
}

/** Whether two messages lie on different days. */
export function isOtherDay(a: string, b: string): boolean {
  return dayNumber(new Date(a)) !== dayNumber(new Date(b));
}

/** The time today, else a short day: in the list. */
export function shortWhen(at: string, now = new Date()): string {
  const day = new Date(at);
  const days = daysAgo(day, now);
  if (days === 0) return clock.format(day);
  if (days === 1) return capital(relative.format(-1, 'day'));
  return days < 7 ? capital(weekday.format(day)) : shortDate.format(day);
}

/** "online", "last seen today at 9:42", or nothing where it is not shared. */
export function presenceText(status: Status | undefined, now = new Date()): string {
  if (!status) return '';
  if (status.online) return say('online');
  if (!status.last_seen) return '';
  const seen = new Date(Math.min(Date.parse(status.last_seen), now.getTime()));
  const days = daysAgo(seen, now);
  let day: string;
  if (days <= 1) day = relative.format(-days, 'day');
  else if (days < 7) day = weekday.format(seen);
  else day = date.format(seen);
  return say('lastSeen', { day, time: clock.format(seen) });
}
