/*
 * client: who one is, against the real server: tokens that run out, a token of somebody else, the
 * same device elsewhere.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server } from '../../../test/web/stage/server.ts';
import { type Client, connect, type LineState, TwoTicksError } from '../src/index.ts';

const CHATS = 5;
const BACKLOG = 40;

let server: Server;
before(async () => {
  server = await Server.start();
});
after(async () => {
  await server?.stop();
});

/** Notes each state of the line, and each `token` frame that goes out. */
function watch(client: Client) {
  const seen: (LineState | 'token')[] = [];
  client.traceFrames(true);
  client.on('line', (state) => seen.push(state));
  client.on('frame', ({ frame }) => {
    if (frame.type === 'token') seen.push('token');
  });
  return seen;
}

async function lineIs(client: Client, wanted: LineState): Promise<void> {
  while (client.line !== wanted) await client.once('line');
}

// The ones about time wait for it together.
describe('who one is', { concurrency: true }, () => {
  test('a token is renewed before it runs out, and nobody notices', async () => {
    const client = await connect({
      url: server.url,
      userId: 'alice',
      deviceId: 'renews',
      token: () => server.shortToken('alice', 'renews', '8s'),
    });
    const seen = watch(client);
    await client.online();
    while (seen.filter((one) => one === 'token').length < 2) await client.once('frame');
    assert.deepEqual(
      seen.filter((one) => one !== 'token'),
      ['connecting', 'online'],
      'the line was up all the time',
    );
    const chat = await client.create({ members: ['bob'] });
    assert.ok((await client.send(chat, 'still here')).seq > 0);
    client.close();
  });

  test('one that ran out all the same (4401) is replaced silently, at once', async () => {
    let asked = 0;
    const client = await connect({
      url: server.url,
      userId: 'alice',
      deviceId: 'sleeps',
      token: async () => {
        if (++asked === 2) throw new Error('there is no network just now');
        return server.shortToken('alice', 'sleeps', asked === 1 ? '5s' : '1h');
      },
    });
    const seen = watch(client);
    await lineIs(client, 'online');
    await lineIs(client, 'offline');
    await lineIs(client, 'online');
    assert.deepEqual(seen, ['connecting', 'online', 'offline', 'connecting', 'online']);
    assert.equal(asked, 3);
    client.close();
  });

  test('null from the provider means signed out, and no attempt follows', async () => {
    let asked = 0;
    const client = await connect({
      url: server.url,
      userId: 'alice',
      deviceId: 'leaves',
      token: async () => (++asked === 1 ? server.shortToken('alice', 'leaves', '2s') : null),
    });
    await lineIs(client, 'signed_out');
    client.reconnect();
    assert.equal(client.line, 'signed_out');
    client.close();
  });

  test("somebody else's token is refused, and nothing of theirs is kept", async () => {
    const client = await connect({
      url: server.url,
      userId: 'alice',
      deviceId: 'phone',
      token: () => server.token('bob', 'phone'),
    });
    const { code, message } = await client.once('problem');
    assert.equal(code, 'unauthenticated');
    assert.match(message, /bob on phone, not for alice on phone/);
    await lineIs(client, 'signed_out');
    assert.deepEqual(client.conversations(), []);
    client.close();
  });

  test('the same device elsewhere (4409): no reconnect until asked', async () => {
    const token = () => server.token('bob', 'contested');
    const options = { url: server.url, userId: 'bob', deviceId: 'contested', token };
    const first = await connect(options);
    const seen = watch(first);
    await first.online();
    const second = await connect(options);
    await second.online();
    await lineIs(first, 'replaced');
    first.reconnect();
    // The fence: the second one's line is still the one that carries.
    const chat = await second.create({ members: ['alice'] });
    await second.send(chat, 'from the second');
    assert.equal(first.line, 'replaced');
    assert.deepEqual(seen, ['connecting', 'online', 'replaced']);
    first.takeOver();
    await lineIs(second, 'replaced');
    await lineIs(first, 'online');
    first.close();
    second.close();
  });

  test('a refusal is an error with the code of the protocol', async () => {
    const client = await connect({
      url: server.url,
      userId: 'alice',
      deviceId: 'errs',
      token: () => server.token('alice', 'errs'),
    });
    await client.online();
    await assert.rejects(client.history('no-such-chat', { before: 9 }), (error) => {
      assert.ok(error instanceof TwoTicksError);
      assert.equal(error.code, 'not_found');
      assert.equal(error.status, 404);
      return true;
    });
    await assert.rejects(client.send('no-such-chat', 'x'), { code: 'not_found' });
    const chat = await client.create({ members: ['bob'] });
    await assert.rejects(client.send(chat, 'x'.repeat(70_000)), { code: 'payload_too_large' });
    await assert.rejects(client.send(chat, '\ud800'), { code: 'invalid_argument' });
    await assert.rejects(client.create({ members: ['n o'] }), { code: 'invalid_argument' });
    client.close();
  });
});

/** Some chats of `user` with `BACKLOG` messages each, which none of their devices has. */
async function fillChats(user: string): Promise<string[]> {
  const service = await server.token('alice', 'service');
  const post = <T>(path: string, body: object) =>
    server.request<T>(service, 'POST', `/conversation${path}`, body);
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  return Promise.all(
    numbers(CHATS).map(async (n) => {
      const group = { members: ['alice', user], kind: 'group', title: `chat ${n}` };
      const { conversation_id: id } = await post<{ conversation_id: string }>('', group);
      for (const k of numbers(BACKLOG))
        await post(`/${id}/messages`, { client_id: `m-${k}`, content: `${k}` });
      return id;
    }),
  );
}

test('a backlog of unknown chats asks for the list twice, not for each of them', async (t) => {
  const chats = await fillChats('late');
  const token = await server.token('late', 'phone');
  const asked: string[] = [];
  const real = globalThis.fetch;
  t.mock.method(globalThis, 'fetch', (url: string, init?: RequestInit) => {
    asked.push(new URL(url).search);
    return real(url, init);
  });
  const client = await connect({ url: server.url, userId: 'late', deviceId: 'phone', token });
  await client.once('caught_up');
  for (const chat of chats) assert.equal(client.conversation(chat)?.unread, BACKLOG);
  // Once before the line is up, which brings them all in time; then for what has changed since.
  const [first, second, ...more] = asked;
  assert.equal(first, '?limit=25');
  assert.match(second ?? '', /^\?limit=25&changed_since=/);
  assert.deepEqual(more, []);
  client.close();
});
