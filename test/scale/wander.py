#!/usr/bin/python3
"""wander: clients move between servers at random and talk all the while; nobody misses a message,
and in the end nobody is shown online who is not, or the other way round.

usage: wander.py [--program build/release/twoticks] [--seconds 60] [--clients 50] [--servers 3]
"""
import asyncio
import contextlib
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import doubles  # noqa: E402  (found only now)
import run  # noqa: E402
import websockets  # noqa: E402
from client import clock, scenario  # noqa: E402
from client.device import Device  # noqa: E402

GONE = (OSError, websockets.WebSocketException)
LEASE_AND_POLL_SECONDS = 12


class Wanderer:
    def __init__(self, user, conversation, servers, chance):
        self.user = user
        self.conversation = conversation
        self.servers = servers
        self.chance = chance
        self.device = None
        self.has = set()  # the seqs that this device was handed
        self.moves = 0

    async def arrive(self):
        server = self.chance.choice(self.servers)
        device = Device(server, self.user)
        await device.connect()
        self.device = device
        self.moves += 1

    def take(self):
        """What came: ascending, each seq at most once per socket."""
        seqs = self.device.seqs(self.conversation)
        assert seqs == sorted(set(seqs)), f'{self.user} was handed {seqs}'
        self.has.update(seqs)

    async def act(self):
        if self.chance.random() < 0.6:
            await self.device.send(type='send', conversation_id=self.conversation, content='here',
                                   client_id=f'{self.user}-{self.chance.getrandbits(60)}')
        await clock.pass_seconds(self.chance.uniform(0.1, 1.5))
        self.take()
        seqs = self.device.seqs(self.conversation)
        if seqs and self.chance.random() < 0.7:
            await self.device.delivered(self.conversation, seqs[-1])

    async def leave(self):
        """Politely; by a line that breaks; or by not leaving at all."""
        manner = self.chance.random()
        if manner < 0.4:
            await self.device.close()
        elif manner < 0.7:
            self.device.socket.transport.abort()

    async def wander(self, until, is_enough):
        loop = asyncio.get_running_loop()
        while loop.time() < until or not is_enough():
            with contextlib.suppress(*GONE):
                await self.arrive()
                for _ in range(self.chance.randint(1, 4)):
                    await self.act()
                await self.leave()
            self.take()

    async def settle(self):
        """Comes once more and gets the rest."""
        await self.arrive()
        await self.device.caught_up()
        self.take()

    async def to_be_had(self):
        """The seqs of what the other one said."""
        seqs, after = set(), 0
        while True:
            page = await self.device.server.get(
                f'/conversation/{self.conversation}?after={after}&limit=200', self.user)
            seqs.update(message['seq'] for message in page['messages']
                        if message['sender'] != self.user)
            if not page['has_more_after']:
                return seqs
            after = page['messages'][-1]['seq']

    async def check_whole(self):
        wanted = await self.to_be_had()

        async def has_all():
            self.take()
            return wanted <= self.has
        try:
            await clock.until(15, has_all, '')
        except AssertionError:
            raise AssertionError(f'{self.user} misses {sorted(wanted - self.has)}') from None


async def shows(viewer, other, online):
    """Until the viewer's open chat and a fresh look both say so."""
    key = f'{other.user}_status'

    async def is_shown():
        chat = await viewer.device.server.get(
            f'/conversation/{viewer.conversation}?open=0&limit=1', viewer.user)
        return chat[key].get('online') is online
    await clock.until(LEASE_AND_POLL_SECONDS, is_shown,
                      f'{viewer.user} sees {other.user} {"online" if online else "offline"}')


def happened(pairs):
    return (sum(one.moves for pair in pairs for one in pair), sum(len(a.has) for a, _ in pairs))


async def wander(pairs, seconds):
    """All of them, for so long, and on a slow machine until something has happened at all."""
    everybody = [one for pair in pairs for one in pair]

    def is_enough():
        moves, messages = happened(pairs)
        return moves > 2 * len(everybody) and messages > len(everybody)
    until = asyncio.get_running_loop().time() + seconds
    await clock.within(seconds + 60, asyncio.gather(
        *(one.wander(until, is_enough) for one in everybody)), 'enough has happened')


async def play(options, tables, redis):
    chance = random.Random(options.seed)
    shared = run.Shared(tables, redis)
    place, environ = await shared.place(options.program)
    servers = [run.ScaleServer(options.program, 1, (*place, '--server-id', f'ws_server_{number}'),
                               environ=environ) for number in range(1, options.servers + 1)]
    pairs = []
    try:
        for server in servers:
            await server.start()
        for number in range(options.clients // 2):
            names = [f'user-{number}-a', f'user-{number}-b']
            conversation = f'pair-{number}'
            answer = await servers[0].call('POST', '/conversation', names[0], json={
                'members': names, 'conversation_id': conversation})
            assert answer.status == 201, answer
            pairs.append([Wanderer(name, conversation, servers, chance) for name in names])
        everybody = [one for pair in pairs for one in pair]
        await wander(pairs, options.seconds)
        await asyncio.gather(*(one.settle() for one in everybody))
        await asyncio.gather(*(one.check_whole() for one in everybody))
        await asyncio.gather(*(shows(a, b, True) for a, b in pairs))
        await asyncio.gather(*(shows(b, a, True) for a, b in pairs))
        for _, b in pairs:
            await b.device.close()
        await asyncio.gather(*(shows(a, b, False) for a, b in pairs))
        for server in servers:
            await server.stop()
    finally:
        for server in servers:
            await server.__aexit__(AssertionError, None, None)
    moves, messages = happened(pairs)
    print(f'{len(everybody)} clients, {moves} moves, {messages} messages')


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--clients', type=int, default=50)
    parser.add_argument('--servers', type=int, default=3)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    clock.set_patience(options.patience)
    print(f'seed {options.seed}')
    name = 'who_moves_at_random_misses_nothing_and_leaves_no_ghost'
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(doubles.node('dynalite.mjs'))
        redis = stack.enter_context(doubles.redis('--databases', '4096'))
        try:
            asyncio.run(play(options, tables, redis))
        except Exception as error:
            print(f'FAILED  {name}: {type(error).__name__}: {error}')
            return scenario.report(options.report, [], [name])
        return scenario.report(options.report, [name], [])


if __name__ == '__main__':
    sys.exit(main())
