/*
 * model: two people, a real server, and everything that goes wrong, in any order that fast-check
 * thinks of: lines that are cut, held up and deaf one way, tabs that are reloaded, opened and
 * closed, a disk that is full, a server that is killed. Meanwhile no tick is false and nothing
 * goes back; when all is well again nothing is lost, nothing doubled, and all see the same.
 *
 * RUNS says how many stories; SEED repeats those of a run that failed.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Server } from '../../../test/web/stage/server.ts';
import { type Name, Person, stored, until } from './stage/people.ts';
import { Proxy } from './stage/proxy.ts';

const RUNS = Number(process.env['RUNS'] ?? 12);
const SEED = process.env['SEED'];
/** How long telling stories, and shrinking one that fails, may take. */
const MS_MAX = Number(process.env['MS_MAX'] ?? 240_000);
const NAMES = ['alice', 'bob'] as const;

let server: Server;
before(async () => {
  server = await Server.start('--heartbeat', '2s', '--pong', '2s', '--sends-per-second', '0');
});
after(async () => {
  // One that was interrupted goes on until it is through.
  await running.catch(() => undefined);
  await server?.stop();
});

interface World {
  people: Record<Name, Person>;
  lines: Record<Name, Proxy>;
}

interface Scene extends World {
  one: Name;
  tab: number;
}

type Deed = { name: string; run: (world: World) => Promise<unknown> | void };

function deed(weight: number, name: string, run: (scene: Scene) => Promise<unknown> | void) {
  const arbitrary = fc
    .tuple(fc.constantFrom(...NAMES), fc.nat({ max: 2 }))
    .map(([one, tab]): Deed => ({
      name: `${one} ${name} (${tab})`,
      run: (world) => run({ ...world, one, tab }),
    }));
  return { weight, arbitrary };
}

let texts = 0;
const deeds = fc.oneof(
  deed(6, 'writes', ({ people, one, tab }) => people[one].write(tab, `m${++texts}`)),
  deed(3, 'reads', ({ people, one, tab }) => people[one].readAll(tab)),
  deed(2, 'waits for a round trip', () => server.token('alice', 'judge')),
  deed(3, 'is cut off', ({ lines, one }) => lines[one].cut()),
  deed(1, 'loses the line', ({ lines, one }) => {
    lines[one].refuses = true;
    lines[one].cut();
  }),
  deed(1, 'is held up', ({ lines, one }) => {
    lines[one].delayMs = 10;
    lines[one].jitterMs = 40;
  }),
  deed(2, 'gets no answer', ({ lines, one }) => void (lines[one].swallows.in = true)),
  deed(1, 'is not heard', ({ lines, one }) => void (lines[one].swallows.out = true)),
  deed(3, 'is well again', ({ lines, people, one }) => {
    lines[one].heal();
    people[one].reconnect();
  }),
  deed(3, 'reloads', ({ people, one, tab }) => people[one].reload(tab)),
  deed(2, 'opens a tab', ({ people, one }) => people[one].openTab()),
  deed(2, 'closes a tab', ({ people, one, tab }) => {
    if (people[one].tabs.length > 1) people[one].closeTab(tab);
  }),
  deed(1, 'cannot store', ({ people, one }) => void (people[one].disk.failures = 1)),
  {
    weight: 1,
    arbitrary: fc.constant<Deed>({
      name: 'the server is killed',
      run: async () => {
        await server.kill();
        await server.again();
      },
    }),
  },
);

/** Every tab's badge says what is true: so many of the other's are behind what was read. */
async function countsUnread(person: Person): Promise<void> {
  const all = await stored(server, person.conversation);
  for (const [i, { client }] of person.tabs.entries()) {
    const here = () => client.conversation(person.conversation)!;
    const unread = () =>
      all.filter((one) => one.sender !== person.name && one.seq > here().myLastReadSeq).length;
    const what = `${person.name}'s tab ${i} counts ${unread()} unread, not ${here().unread}`;
    await until([client], what, () => here().unread === unread());
  }
}

async function settle({ people, lines }: World): Promise<void> {
  const total = people.alice.written.length + people.bob.written.length;
  for (const name of NAMES) {
    lines[name].heal();
    people[name].disk.failures = 0;
    people[name].reconnect();
  }
  for (const name of NAMES) {
    const person = people[name];
    for (const [i, { client, timeline }] of person.tabs.entries()) {
      const tab = `${name}'s tab ${i}`;
      await until([client], `${tab} is online`, () => client.line === 'online');
      await until([client], `${tab} has sent all`, () =>
        timeline!.messages.every((one) => one.tick !== 'clock'),
      );
      const head = () => client.conversation(person.conversation)?.headSeq ?? 0;
      await until([client], `${tab} has all ${total}, not ${head()}`, () => head() === total);
    }
    await countsUnread(person);
    person.readAll(0);
  }
  for (const name of NAMES) {
    // What was read turns blue; the own cursor that an own message moves is nobody's business.
    for (const [i, { client, timeline }] of people[name].tabs.entries())
      await until([client], `${name}'s tab ${i} sees that all is read`, () =>
        timeline!.messages.every((one) => one.tick === null || one.tick === 'blue'),
      );
  }
}

async function judge({ people }: World): Promise<void> {
  const all = await stored(server, people.alice.conversation);
  const contents = all.map((one) => one.content);
  assert.deepEqual(
    all.map((one) => one.seq),
    all.map((_, i) => i + 1),
  );
  for (const name of NAMES) {
    const person = people[name];
    assert.deepEqual(person.wrongs, [], `${name} saw nothing wrong`);
    const theirs = all.filter((one) => one.sender === name).map((one) => one.content);
    assert.deepEqual(theirs, person.written, `${name}: all, once, in order`);
    for (const [seq, content] of person.shown)
      assert.equal(contents[seq - 1], content, `what ${name} was shown as ${seq} is stored`);
    for (const [i, { timeline }] of person.tabs.entries()) {
      await timeline!.toEnd();
      const shown = timeline!.messages.map((one) => one.content);
      assert.ok(shown.length === all.length || shown.length >= 50, `${name}'s tab ${i} shows all`);
      assert.deepEqual(shown, contents.slice(-shown.length), `${name}'s tab ${i}: what is stored`);
    }
  }
}

let stories = 0;
let running: Promise<void> = Promise.resolve();

async function stage(): Promise<World> {
  const port = () => Number(new URL(server.url).port);
  const lines = { alice: await Proxy.open(port), bob: await Proxy.open(port) };
  const story = `story ${process.pid} ${++stories}`;
  const alice = new Person('alice', server, lines.alice, story);
  const bob = new Person('bob', server, lines.bob, story);
  alice.other = bob;
  bob.other = alice;
  await alice.openTab();
  await bob.openTab();
  return { lines, people: { alice, bob } };
}

async function play(story: Deed[]): Promise<void> {
  const world = await stage();
  const { alice, bob } = world.people;
  try {
    const [client] = alice.clients;
    await client!.online();
    const conversation = `c${Date.now()}${Math.random().toString(36).slice(2)}`;
    // A group of two: of direct conversations there is one per pair, and each story needs its own.
    await client!.create({
      members: ['bob'],
      kind: 'group',
      title: 'a story',
      conversationId: conversation,
    });
    await until(
      bob.clients,
      'bob knows',
      () => bob.clients[0]!.conversation(conversation) !== undefined,
    );
    await alice.watch(conversation);
    await bob.watch(conversation);
    for (const one of story) await one.run(world);
    await settle(world);
    await judge(world);
  } finally {
    for (const name of NAMES) {
      world.people[name].close();
      await world.lines[name].close();
    }
  }
}

test('nothing lost, nothing doubled, no false tick, and nothing goes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deeds, { maxLength: 24 }), (story) => (running = play(story))),
    {
      numRuns: RUNS,
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      interruptAfterTimeLimit: MS_MAX,
      // A story that fails is told by its deeds.
      reporter: (run) => {
        if (!run.failed) return;
        const story = run.counterexample?.[0].map((one) => one.name).join(', ');
        const why = run.errorInstance instanceof Error ? run.errorInstance.message : '';
        assert.fail(`SEED=${run.seed}, path ${run.counterexamplePath}: ${story}: ${why}`);
      },
    },
  );
});
