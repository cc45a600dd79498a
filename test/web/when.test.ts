/*
 * when: what times and days are called, for a reader in Tokyo who reads British English.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

process.env['TZ'] = 'Asia/Tokyo';
Object.defineProperty(navigator, 'language', { value: 'en-GB', configurable: true });
Object.defineProperty(navigator, 'languages', { value: ['en-GB'], configurable: true });
const { dayOf, isOtherDay, presenceText, shortWhen } = await import('../../web/src/word/when.ts');

/** A quarter to ten in the morning of a Monday, there. */
const NOW = new Date('2024-01-15T00:45:00.000Z');

const SEEN: [last_seen: string | null, text: string][] = [
  ['2024-01-15T00:42:00.000Z', 'last seen today at 9:42'],
  ['2024-01-14T15:00:00.000Z', 'last seen today at 0:00'],
  ['2024-01-14T14:59:59.999Z', 'last seen yesterday at 23:59'],
  ['2024-01-14T00:42:00.000Z', 'last seen yesterday at 9:42'],
  ['2024-01-13T00:42:00.000Z', 'last seen Saturday at 9:42'],
  ['2024-01-09T00:42:00.000Z', 'last seen Tuesday at 9:42'],
  ['2024-01-08T00:42:00.000Z', 'last seen 8 January 2024 at 9:42'],
  ['2022-12-31T23:00:00.000Z', 'last seen 1 January 2023 at 8:00'],
  // A clock that is wrong puts nobody into the future.
  ['2024-01-15T09:00:00.000Z', 'last seen today at 9:45'],
  ['2031-01-01T00:00:00.000Z', 'last seen today at 9:45'],
  // Not shared, or never seen.
  [null, ''],
];

test('last seen: today, yesterday, the weekday, the date; never in the future', () => {
  for (const [last_seen, text] of SEEN)
    assert.equal(presenceText({ online: false, last_seen }, NOW).replace(/ 0(\d:)/, ' $1'), text);
  assert.equal(presenceText({ online: true }, NOW), 'online');
  assert.equal(presenceText({ online: false }, NOW), '');
  assert.equal(presenceText(undefined, NOW), '');
});

test('days are Today, Yesterday, a weekday within the week, else the date', () => {
  for (const [at, text] of [
    ['2024-01-15T00:00:00.000Z', 'Today'],
    ['2024-01-14T14:59:00.000Z', 'Yesterday'],
    ['2024-01-12T03:00:00.000Z', 'Friday'],
    ['2024-01-09T03:00:00.000Z', 'Tuesday'],
    ['2024-01-08T03:00:00.000Z', '8 January 2024'],
    ['2024-01-16T03:00:00.000Z', 'Today'],
  ] as const)
    assert.equal(dayOf(at, NOW), text);
  // Midnight is the reader's.
  assert.ok(isOtherDay('2024-01-14T14:59:59.999Z', '2024-01-14T15:00:00.000Z'));
  assert.ok(!isOtherDay('2024-01-14T15:00:00.000Z', '2024-01-15T14:59:59.999Z'));
});

test('the list has the time of today, else a short day', () => {
  assert.match(shortWhen('2024-01-15T00:42:00.000Z', NOW), /^0?9:42$/);
  assert.equal(shortWhen('2024-01-14T00:42:00.000Z', NOW), 'Yesterday');
  assert.equal(shortWhen('2024-01-12T00:42:00.000Z', NOW), 'Friday');
  assert.equal(shortWhen('2023-11-12T00:42:00.000Z', NOW), '12/11/2023');
});
