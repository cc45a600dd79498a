/*
 * line: the waits between attempts, whose 4409 it is, and when tokens are renewed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../src/backoff.ts';
import type { LineState } from '../src/change.ts';
import { Line } from '../src/line.ts';
import { lifeOf, TokenSource } from '../src/token.ts';

test('waits are drawn evenly below a ceiling that doubles up to 30 s', () => {
  const highest = new Backoff(undefined, () => 0.999999);
  const waits = Array.from({ length: 9 }, () => highest.next());
  assert.deepEqual(waits, [499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
  highest.reset();
  assert.equal(highest.next(), 499);
  const lowest = new Backoff(undefined, () => 0);
  assert.deepEqual([lowest.next(), lowest.next()], [0, 0]);
});

test('one 4409 after an attempt that was given up is no word of another place', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sockets: { onmessage: Function; onclose: Function }[] = [];
  class FakeSocket {
    onmessage = () => {};
    onclose = () => {};
    constructor() {
      sockets.push(this);
    }
    close(): void {}
    send(): void {}
  }
  t.mock.property(globalThis, 'WebSocket', FakeSocket as unknown as typeof WebSocket);
  const states: LineState[] = [];
  const tokens = new TokenSource(
    async () => 'token',
    () => {},
  );
  const events = {
    state: (state: LineState) => states.push(state),
    frame: () => {},
    hello: () => {},
    isMine: () => true,
    passed: () => {},
    isRefused: async () => false,
  };
  const line = new Line('ws://host', tokens, events, new Backoff(undefined, () => 0));
  /** Lets promises run, and the wait of 0 ms before the next attempt. */
  const turn = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    t.mock.timers.tick(1);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const greet = () => sockets.at(-1)!.onmessage({ data: '{"type":"hello"}' });
  const replace = () => sockets.at(-1)!.onclose({ code: 4409 });

  line.start();
  await turn();
  t.mock.timers.tick(15_000); // no answer: given up
  await turn();
  assert.equal(sockets.length, 2);
  greet();
  replace();
  await turn();
  assert.equal(sockets.length, 3, 'it comes back by itself');
  greet();
  replace();
  await turn();
  assert.equal(sockets.length, 3, 'but once only');
  assert.equal(states.at(-1), 'replaced');
  line.stop();
  tokens.stop();
});

function tokenOf(claims: object): string {
  return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
}

test('of a token only its life is read, and nonsense has none', () => {
  assert.deepEqual(lifeOf(tokenOf({ iat: 10, exp: 20 }), 0), {
    issuedMs: 10_000,
    expiresMs: 20_000,
  });
  assert.deepEqual(lifeOf(tokenOf({ exp: 20 }), 5), { issuedMs: 5, expiresMs: 20_000 });
  assert.equal(lifeOf('nonsense', 0), null);
  assert.equal(lifeOf(tokenOf({}), 0), null);
});

test('several that ask for a token at once get one', async () => {
  let asked = 0;
  const source = new TokenSource(
    async () => `token ${++asked}`,
    () => {},
  );
  assert.deepEqual(await Promise.all([source.current(), source.current()]), ['token 1', 'token 1']);
  assert.equal(await source.current(), 'token 1', 'it is kept');
  assert.equal(await source.renew(), 'token 2');
  source.stop();
});

test('an expired token is never used', async () => {
  let asked = 0;
  const source = new TokenSource(
    async () => tokenOf({ iat: 0, exp: asked++ === 0 ? 1 : Date.now() }),
    () => {},
  );
  await source.current();
  await source.current();
  assert.equal(asked, 2);
  source.stop();
});

test('a provider that throws is asked again; null means signed out', async () => {
  let asked = 0;
  const source = new TokenSource(
    async () => {
      if (asked++ === 0) throw new Error('no line');
      return null;
    },
    () => {},
  );
  await assert.rejects(source.current(), /no line/);
  assert.equal(await source.current(), null);
});
