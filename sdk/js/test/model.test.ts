/*
 * model: two people, a real server, and a line that is cut, held up and deaf, in any order that
 * fast-check thinks of. When all is well again: nothing lost, nothing doubled, each one's messages
 * in the order of writing, both see the same, and no tick was ever false or went back.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Server } from '../../../test/web/stage/server.ts';
import { type Name, Person, stored, until } from './stage/people.ts';
import { Proxy } from './stage/proxy.ts';

const RUNS = Number(process.env['RUNS'] ?? 12);

let server: Server;
before(async () => {
  server = await Server.start('--heartbeat', '2s', '--pong', '2s');
});
after(async () => {
  await server?.stop();
});

interface World {
  people: Record<Name, Person>;
  lines: Record<Name, Proxy>;
}

type Deed = { name: string; run: (world: World) => Promise<void> | void };

const who = fc.constantFrom<Name>('alice', 'bob');

function deed(name: string, run: (world: World, who: Name) => Promise<void> | void) {
  return who.map((person): Deed => ({
    name: `${person} ${name}`,
    run: (world) => run(world, person),
  }));
}

let texts = 0;
const deeds = fc.oneof(
  { weight: 6, arbitrary: deed('writes', ({ people }, one) => people[one].write(`m${++texts}`)) },
  { weight: 3, arbitrary: deed('reads', ({ people }, one) => people[one].readAll()) },
  { weight: 3, arbitrary: deed('is cut off', ({ lines }, one) => lines[one].cut()) },
  {
    weight: 2,
    arbitrary: deed('loses the line', ({ lines }, one) => {
      lines[one].refuses = true;
      lines[one].cut();
    }),
  },
  { weight: 1, arbitrary: deed('is held up', ({ lines }, one) => void (lines[one].delayMs = 40)) },
  { weight: 1, arbitrary: deed('is deaf', ({ lines }, one) => void (lines[one].swallows = true)) },
  {
    weight: 2,
    arbitrary: deed('is well again', ({ lines, people }, one) => {
      // What was swallowed is gone for good on that socket.
      if (lines[one].swallows) lines[one].cut();
      lines[one].heal();
      people[one].client.reconnect();
    }),
  },
  { weight: 2, arbitrary: deed('reloads', ({ people }, one) => people[one].reload()) },
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

async function settle({ people, lines }: World): Promise<void> {
  for (const name of ['alice', 'bob'] as const) {
    if (lines[name].swallows) lines[name].cut();
    lines[name].heal();
    const { client } = people[name];
    if (client.line !== 'online') client.reconnect();
    await until(client, `${name} is online`, () => client.line === 'online');
  }
  const total = people.alice.written.length + people.bob.written.length;
  for (const person of [people.alice, people.bob]) {
    const { client, conversation } = person;
    await until(client, `${person.name} has sent all`, () => person.waiting === 0);
    await until(
      client,
      `${person.name} has all ${total}`,
      () => (client.conversation(conversation)?.headSeq ?? 0) === total,
    );
    person.readAll();
  }
  for (const person of [people.alice, people.bob]) {
    // What was read turns blue; the own cursor that an own message moves is nobody's business.
    await until(person.client, `${person.name} sees that all is read`, () =>
      person.timeline.messages.every((one) => one.tick === null || one.tick === 'blue'),
    );
  }
}

async function judge({ people }: World): Promise<void> {
  const conversation = people.alice.conversation;
  const all = await stored(server, conversation);
  const contents = all.map((one) => one.content);
  for (const name of ['alice', 'bob'] as const) {
    const theirs = all.filter((one) => one.sender === name).map((one) => one.content);
    assert.deepEqual(theirs, people[name].written, `${name}: all, once, in order`);
    await people[name].timeline.toEnd();
    await people[name].timeline.load();
    assert.deepEqual(
      people[name].timeline.messages.map((one) => one.content),
      contents.slice(-people[name].timeline.messages.length),
      `${name} sees what is stored`,
    );
    for (const message of people[name].timeline.messages)
      assert.ok(message.tick === null || message.tick === 'blue', 'in the end all is read');
  }
  assert.deepEqual(
    all.map((one) => one.seq),
    all.map((_, i) => i + 1),
  );
}

async function play(story: Deed[]): Promise<void> {
  const port = () => Number(new URL(server.url).port);
  const lines = { alice: await Proxy.open(port), bob: await Proxy.open(port) };
  const world: World = {
    lines,
    people: {
      alice: await Person.make('alice', server, lines.alice),
      bob: await Person.make('bob', server, lines.bob),
    },
  };
  try {
    const { alice, bob } = world.people;
    await alice.client.online();
    const conversation = `c${Date.now()}${Math.random().toString(36).slice(2)}`;
    // A group of two: of direct conversations there is one per pair, and each story needs its own.
    await alice.client.create({
      members: ['bob'],
      kind: 'group',
      title: 'a story',
      conversationId: conversation,
    });
    await until(bob.client, 'bob knows', () => bob.client.conversation(conversation) !== undefined);
    await alice.watch(conversation);
    await bob.watch(conversation);
    for (const one of story) await one.run(world);
    await settle(world);
    await judge(world);
  } finally {
    for (const name of ['alice', 'bob'] as const) {
      world.people[name].client.close();
      await lines[name].close();
    }
  }
}

test('whatever happens to the line: nothing lost, nothing doubled, no false tick', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deeds, { maxLength: 16 }), (story) => play(story)),
    {
      numRuns: RUNS,
      // A story that fails is told by its deeds.
      reporter: (run) => {
        if (!run.failed) return;
        const story = run.counterexample?.[0].map((one) => one.name).join(', ');
        const why = run.errorInstance instanceof Error ? run.errorInstance.message : '';
        assert.fail(`seed ${run.seed}, path ${run.counterexamplePath}: ${story}: ${why}`);
      },
    },
  );
});
