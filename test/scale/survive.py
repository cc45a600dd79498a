#!/usr/bin/python3
"""survive: servers and Redis die and DynamoDB fails under load; every promise must still hold.

usage: survive.py [--program build/release/twoticks] [--rounds 10] [--servers 3] [--seed N]
"""
import asyncio
import contextlib
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / 'crash')]

import doubles  # noqa: E402  (found only now)
import run  # noqa: E402
from client import clock, scenario  # noqa: E402
from load import Sender  # noqa: E402
from ledger import Ledger  # noqa: E402

MEMBERS = 3  # of each conversation, all of them senders
GROUPS = {f'group-{number}': [f'user-{number * MEMBERS + one}' for one in range(MEMBERS)]
          for number in range(4)}
FAULTS = ('throttle', 'fail', 'lose', 'reset', 'stall', 'half', 'garble', 'skew', 'mixed')


class AcrossServers(Ledger):
    """What one socket heard may be told again to the next one on another server; less never is."""

    def note(self, viewer, frame):
        if frame['type'] == 'status_update':
            shown = self.shown[frame['conversation_id'], viewer]
            frame = {key: value for key, value in frame.items() if value not in (
                shown[0] if key == 'last_delivered_seq' else None,
                shown[1] if key == 'last_read_seq' else None)}
        super().note(viewer, frame)


class Mover(Sender):
    """Comes back on any server when its socket has died, and asks again when nobody knows."""

    def __init__(self, ledger, user, conversation, servers, chance):
        super().__init__(ledger, user, conversation)
        self.servers = servers
        self.chance = chance
        self.over = False

    async def live(self):
        while not self.over:
            server = self.chance.choice(self.servers)
            if server.address is not None:
                await self.talk(server)
            await clock.pass_seconds(self.chance.uniform(0.01, 0.1))

    async def hear(self, socket, frame):
        if frame['type'] == 'error' and frame['code'] == 'unavailable':
            if frame.get('client_id'):
                await clock.pass_seconds(0.05)
                await self.next(socket)
            return
        if self.over:
            await socket.close()
            return
        await super().hear(socket, frame)


class Cluster:
    def __init__(self, servers, proxy, redis, chance):
        self.servers = servers
        self.proxy = proxy
        self.redis = redis
        self.chance = chance

    async def kill_server(self):
        server = self.chance.choice(self.servers)
        await server.kill()
        await clock.pass_seconds(self.chance.uniform(0, 1))
        await server.start()

    async def kill_redis(self):
        self.redis.kill()
        await clock.pass_seconds(self.chance.uniform(0, 1.5))
        self.redis.start()

    async def fail_tables(self):
        self.proxy.tell(f'{self.chance.choice(FAULTS)} {self.chance.choice((0.05, 0.2, 0.5))}')
        await clock.pass_seconds(self.chance.uniform(0.5, 2))
        self.proxy.tell('none')

    async def kill_all(self):
        await asyncio.gather(*(server.kill() for server in self.servers))
        await asyncio.gather(*(server.start() for server in self.servers))


async def create(server, ledger):
    for conversation, members in GROUPS.items():
        ledger.members[conversation] = members
        answer = await server.call('POST', '/conversation', members[0], json={
            'kind': 'group', 'members': members, 'conversation_id': conversation})
        assert answer.status in (200, 201), answer


async def check(cluster, ledger):
    """After the last of a round's answers has come: what every server shows."""
    server = cluster.chance.choice(cluster.servers)
    for conversation, members in GROUPS.items():
        await ledger.check_messages(server, conversation, members[0])
        await ledger.check_cursors(server, conversation, members)


async def one_round(cluster, ledger, chance):
    movers = [Mover(ledger, user, conversation, cluster.servers, chance)
              for conversation, members in GROUPS.items() for user in members]
    for mover in movers:
        mover.number = int(time.time() * 1000)
    living = [asyncio.ensure_future(mover.live()) for mover in movers]
    await clock.pass_seconds(0.5)
    action = chance.choice((cluster.kill_server, cluster.kill_server, cluster.kill_redis,
                            cluster.fail_tables, cluster.fail_tables, cluster.kill_all))
    await action()
    await clock.pass_seconds(0.5)
    for mover in movers:
        mover.over = True
    for task in living:
        task.cancel()
    for ended in await asyncio.gather(*living, return_exceptions=True):
        if isinstance(ended, Exception) and not isinstance(ended, asyncio.CancelledError):
            raise ended
    errors = [error for mover in movers for error in mover.errors]
    assert not errors, errors[:5]
    await check(cluster, ledger)
    return action.__name__


async def play(options, proxy, redis):
    chance = random.Random(options.seed)
    shared = run.Shared(proxy.port, redis)
    place, environ = await shared.place(options.program)
    ledger = AcrossServers()
    passed, failed = [], []
    servers = [run.ScaleServer(options.program, 1,
                               (*place, '--server-id', f'ws_server_{number}',
                                '--sends-per-second', '0', '--frames-per-second', '0'),
                               environ=environ) for number in range(1, options.servers + 1)]
    for server in servers:
        for user in (one for members in GROUPS.values() for one in members):
            server.tokens[user, None, None] = server.sign(
                server.claims(user, device='phone', exp=2**33))
    cluster = Cluster(servers, proxy, redis, chance)
    try:
        for server in servers:
            await server.start()
        await create(servers[0], ledger)
        for number in range(1, options.rounds + 1):
            started, before = time.monotonic(), ledger.count()
            try:
                what = await one_round(cluster, ledger, chance)
            except Exception as error:
                failed.append(f'round_{number}')
                print(f'FAILED  round_{number}: {type(error).__name__}: {error}', flush=True)
                break
            passed.append(f'round_{number}')
            print(f'ok      round_{number}: {what}, {ledger.count() - before} acknowledged '
                  f'({time.monotonic() - started:.1f} s)', flush=True)
    finally:
        for server in servers:
            await server.__aexit__(AssertionError, None, None)
    if ledger.count() < 5 * options.rounds:
        failed.append('there_was_a_load')
    print(f'{ledger.count()} messages acknowledged')
    return passed, failed


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--servers', type=int, default=3)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    clock.set_patience(options.patience)
    print(f'seed {options.seed}')
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(doubles.node('dynalite.mjs'))
        proxy = stack.enter_context(doubles.running('fault_proxy.mjs', tables))
        redis = stack.enter_context(doubles.redis('--databases', '4096'))
        return scenario.report(options.report, *asyncio.run(play(options, proxy, redis)))


if __name__ == '__main__':
    sys.exit(main())
