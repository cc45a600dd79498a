/*
 * town: people with something to say, for pictures: what alice finds in her list on a Thursday.
 */
import { type Client, connect, type MessageInfo } from '../../../sdk/js/src/index.ts';
import type { Server } from './server.ts';
import type { StoryTime } from './story_time.ts';

export const MONDAY = '2024-01-15T09:00:00Z';
export const THURSDAY = '2024-01-18T09:42:00Z';

const PATIENCE_MS = 20_000;

export class Town {
  readonly #server: Server;
  readonly #time: StoryTime;
  readonly #people = new Map<string, Client>();
  readonly #tokens = new Map<string, string>();
  readonly ids = new Map<string, string>();

  constructor(server: Server, time: StoryTime) {
    this.#server = server;
    this.#time = time;
  }

  /** A device of theirs, which acks what it gets and reads only when told to. */
  async person(name: string): Promise<Client> {
    const known = this.#people.get(name);
    if (known) return known;
    const deviceId = `${name}-phone`;
    const token = () => this.#server.token(name, deviceId);
    const client = await connect({ url: this.#server.url, userId: name, deviceId, token });
    await client.online();
    this.#people.set(name, client);
    return client;
  }

  async leave(name: string): Promise<void> {
    this.#people.get(name)?.close();
    this.#people.delete(name);
  }

  /** Their app is closed at that time, and alice can see it. */
  async leaveAt(at: string, name: string): Promise<void> {
    await this.#time.become(at);
    await this.leave(name);
    const status = `${name}_status`;
    await this.#until(async () => {
      const found = await this.#ask<Record<string, { online: boolean }>>('alice', name, '?open=0');
      return found[status]?.online === false;
    });
  }

  async #ask<T>(name: string, key: string, path: string): Promise<T> {
    let token = this.#tokens.get(name);
    if (!token) this.#tokens.set(name, (token = await this.#server.token(name, `${name}-phone`)));
    return this.#server.request<T>(token, 'GET', `/conversation/${this.ids.get(key)}${path}`);
  }

  /** Everything has its time: what follows from something does so before the next. */
  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const till = Date.now() + PATIENCE_MS;
    while (!(await isSo())) if (Date.now() > till) throw new Error('the town waits for ever');
  }

  async close(): Promise<void> {
    for (const name of [...this.#people.keys()]) await this.leave(name);
  }

  async meet(key: string, members: string[], title?: string): Promise<string> {
    const first = await this.person(members[0]!);
    const group = title === undefined ? {} : { kind: 'group' as const, title };
    // Colours are made of ids.
    const id = await first.create({ members, ...group, conversationId: `town-${key}` });
    this.ids.set(key, id);
    return id;
  }

  /** Says it at that time; resolves with its seq when all who are there have it. */
  async say(at: string, name: string, key: string, text: string): Promise<number> {
    await this.#time.become(at);
    const { seq } = await (await this.person(name)).send(this.ids.get(key)!, text);
    await this.#until(async () => {
      const { members } = await this.#ask<MessageInfo>(name, key, `/messages/${seq}/info`);
      return members.every((one) => one.delivered_at !== null || !this.#people.has(one.user_id));
    });
    return seq;
  }

  /** Reads up to there, and waits until the server knows it. */
  async read(at: string, name: string, key: string, seq: number): Promise<void> {
    await this.#time.become(at);
    (await this.person(name)).markRead(this.ids.get(key)!, seq);
    await this.#until(async () => {
      const found = await this.#ask<{ my_last_read_seq: number }>(name, key, '?open=0');
      return found.my_last_read_seq >= seq;
    });
  }
}

const LONG_QUESTION =
  'all packed. How do I get there? The map shows two ways, and one of them goes right ' +
  'through the river, which I would rather not do in January.';
const LONG_TITLE = 'Everybody who helps to carry the piano up to the fifth floor on Saturday';

/** Fills alice's list. Everything is said and read before THURSDAY; bob is away, carol is there. */
export async function fill(town: Town): Promise<void> {
  const day = (n: number, clock: string) => `2024-01-${15 + n}T${clock}:00Z`;
  await town.meet('bob', ['alice', 'bob']);
  await town.meet('carol', ['carol', 'alice']);
  await town.meet('dave', ['alice', 'dave']);
  await town.meet('weekend', ['carol', 'alice', 'bob', 'dave'], 'Weekend in the mountains');
  await town.meet('piano', ['dave', 'alice', 'carol'], LONG_TITLE);
  await town.meet('family', ['noa', 'alice', 'bob'], 'משפחה');
  await town.meet('samira', ['samira', 'alice']);
  await town.meet('erin', ['erin', 'alice']);
  await town.meet('books', ['erin', 'alice', 'carol'], 'Book club 📚');
  await (await town.person('alice')).mute(town.ids.get('erin')!, new Date('2034-01-01'));

  const said: [string, string, string, string][] = [
    [day(0, '08:10'), 'erin', 'books', 'Chapter seven by Friday, please'],
    [day(0, '10:00'), 'noa', 'family', 'שבת שלום לכולם 💛'],
    [day(1, '18:20'), 'samira', 'samira', 'صباح الخير! هل وصلتِ؟'],
    [day(1, '18:25'), 'alice', 'samira', 'نعم، شكرًا'],
    [day(2, '12:01'), 'dave', 'piano', 'Who has a van? It will not fit into mine.'],
    [day(2, '12:08'), 'alice', 'piano', 'I can ask my uncle, he has one with a lift at the back'],
  ];
  for (const [at, name, key, text] of said) await town.say(at, name, key, text);
  await tellBob(town, day);
  await tellWeekend(town, day);
  const recipe = 'Here it is: https://example.org/recipes/onion-soup';
  const carol = await town.say(day(2, '20:14'), 'carol', 'carol', recipe);
  await town.read(day(2, '20:15'), 'alice', 'carol', carol);
  const thanks = await town.say(day(2, '20:16'), 'alice', 'carol', 'Thank you! 🧅');
  await town.read(day(2, '20:20'), 'carol', 'carol', thanks);
  await town.say(day(3, '08:30'), 'alice', 'dave', 'Are you coming tonight?');
  for (const text of ['Did you see it?', 'The second one', 'It is out today'])
    await town.say(day(3, '09:05'), 'erin', 'erin', text);
  for (const key of ['books', 'family', 'samira', 'piano'])
    await town.read(day(3, '09:06'), 'alice', key, key === 'samira' || key === 'piano' ? 2 : 1);
}

async function tellBob(town: Town, day: (n: number, clock: string) => string): Promise<void> {
  const said: [string, string, string][] = [
    [day(0, '19:02'), 'bob', 'Is the concert still on for Thursday?'],
    [day(0, '19:03'), 'bob', 'I could be there at eight'],
    [day(0, '19:10'), 'alice', 'Yes! Doors at half past seven.'],
    [day(0, '19:10'), 'alice', 'I have both tickets with me 🎟️'],
    [day(0, '19:11'), 'bob', '🎉'],
    [
      day(2, '12:30'),
      'alice',
      'What to bring:\n– the blue blanket\n– something to drink\n– ear plugs, you know why',
    ],
    [day(2, '12:41'), 'bob', 'ear plugs!'],
    [day(2, '12:41'), 'bob', LONG_QUESTION],
    [
      day(2, '12:44'),
      'alice',
      'Take the bridge: https://example.org/map?from=station&to=hall#walk, it is ten minutes.',
    ],
  ];
  let seq = 0;
  for (const [at, name, text] of said) seq = await town.say(at, name, 'bob', text);
  await town.read(day(2, '12:45'), 'bob', 'bob', seq);
  await town.read(day(2, '12:45'), 'alice', 'bob', seq);
  // His device gets one more without his reading it; then it is gone.
  await town.say(day(2, '21:07'), 'alice', 'bob', 'Good night!');
  await town.leaveAt(day(3, '09:31'), 'bob');
  await town.say(day(3, '09:38'), 'alice', 'bob', 'hey');
  await town.say(day(3, '09:39'), 'alice', 'bob', 'where are you?');
}

async function tellWeekend(town: Town, day: (n: number, clock: string) => string): Promise<void> {
  const said: [string, string, string][] = [
    [day(1, '17:00'), 'carol', 'The hut is ours from Friday to Sunday'],
    [day(1, '17:02'), 'dave', 'Six beds?'],
    [day(1, '17:02'), 'carol', 'Eight, and a stove'],
    [day(1, '17:30'), 'alice', 'I bring the pots and the big pan'],
    [day(3, '08:50'), 'dave', 'Snow until Saturday, they say ❄️'],
    [day(3, '08:51'), 'dave', 'Chains for the car!'],
    [day(3, '08:58'), 'carol', 'Bring warm socks'],
  ];
  for (const [at, name, text] of said.slice(0, 4)) await town.say(at, name, 'weekend', text);
  await town.read(day(1, '17:31'), 'carol', 'weekend', 4);
  await town.read(day(1, '17:31'), 'alice', 'weekend', 4);
  for (const [at, name, text] of said.slice(4)) await town.say(at, name, 'weekend', text);
}
