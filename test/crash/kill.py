#!/usr/bin/python3
"""kill: kills the server at random instants under load; everything promised must still be true.

usage: kill.py [--program build/release/twoticks] [--rounds 10] [--seed N]
"""
import asyncio
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import websockets  # noqa: E402
from client import clock, scenario  # noqa: E402
from client.server import Server  # noqa: E402
from ledger import Ledger  # noqa: E402

SENDERS = 50
ROUNDS_OF_A_LIFE = 25  # then a new data folder, since each check reads everything
MEMBERS = 5  # of each conversation, all of them senders
GROUPS = {f'group-{number}': [f'user-{number * MEMBERS + one}' for one in range(MEMBERS)]
          for number in range(SENDERS // MEMBERS)}


class Sender:
    """A client that never stops talking, acks what it gets, and retries what is unanswered."""

    def __init__(self, ledger, user, conversation):
        self.ledger = ledger
        self.user = user
        self.conversation = conversation
        self.number = 0
        self.unanswered = None  # the client_id whose outcome is unknown
        self.held = 0
        self.errors = []

    async def talk(self, server):
        """Until the socket dies."""
        headers = {'Authorization': 'Bearer ' + server.sign(
            server.claims(self.user, device='phone'))}
        try:
            async with websockets.connect(
                    'ws://%s:%d/ws' % server.address, extra_headers=headers, compression=None,
                    ping_interval=None, max_queue=None, close_timeout=1) as socket:
                await self.next(socket)
                async for text in socket:
                    await self.hear(socket, json.loads(text))
        except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
            pass
        except AssertionError as error:
            self.errors.append(f'{self.user}: {error}')

    async def say(self, socket, **frame):
        await socket.send(json.dumps({'conversation_id': self.conversation, **frame}))

    async def next(self, socket):
        if self.unanswered is None:
            self.number += 1
            self.unanswered = f'{self.user}-{self.number}'
        await self.say(socket, type='send', client_id=self.unanswered, content=self.unanswered)

    async def hear(self, socket, frame):
        self.ledger.note(self.user, frame)
        if frame['type'] == 'sent':
            if frame['client_id'] == self.unanswered:
                self.ledger.acknowledge(self.conversation, frame['seq'], self.user,
                                        self.unanswered)
                self.unanswered = None
                await self.next(socket)
        elif frame['type'] == 'message':
            assert frame['seq'] > self.held or not self.held, f'{frame} after {self.held}'
            self.held = frame['seq']
            if self.held % 3 == 0:
                await self.say(socket, type='delivered', seq=self.held)
            if self.held % 7 == 0:
                await self.say(socket, type='read', seq=self.held)
        elif frame['type'] == 'error':
            assert frame['code'] in ('ack_ahead', 'rate_limited'), frame
            if frame.get('client_id'):
                await self.next(socket)


async def create(server):
    for conversation, members in GROUPS.items():
        answer = await server.call('POST', '/conversation', members[0], json={
            'kind': 'group', 'members': members, 'conversation_id': conversation})
        assert answer.status in (200, 201), answer


async def one_round(server, ledger, senders, seconds):
    await server.start()
    for sender in senders:
        sender.held = 0
    talking = [asyncio.ensure_future(sender.talk(server)) for sender in senders]
    await clock.pass_seconds(seconds)
    await server.kill()
    await clock.within(20, asyncio.gather(*talking), 'the senders notice that the server died')
    errors = [error for sender in senders for error in sender.errors]
    assert not errors, errors[:5]
    await server.verify()


async def check(server, ledger):
    await server.start()
    for conversation, members in GROUPS.items():
        await ledger.check_messages(server, conversation, members[0])
        await ledger.check_cursors(server, conversation, members)
    await server.kill()


async def play_one_life(options, chance, numbers, passed, failed):
    """Some rounds on one data folder; returns how many messages were acknowledged."""
    ledger = Ledger()
    server = Server(options.program, 1, ['--sends-per-second', '0', '--frames-per-second', '0'])
    senders = [Sender(ledger, user, conversation)
               for conversation, members in GROUPS.items() for user in members]
    async with server:
        await create(server)
        for sender in senders:
            server.tokens[sender.user, None, None] = server.sign(
                server.claims(sender.user, exp=2**33))
        await server.kill()
        for number in numbers:
            name = f'round_{number}'
            server.nodes = chance.choice((1, 3))
            started, before = time.monotonic(), ledger.count()
            try:
                await one_round(server, ledger, senders, chance.uniform(0.3, 1.5))
                await check(server, ledger)
                passed.append(name)
                print(f'ok      {name}: {server.nodes} nodes, {ledger.count() - before} '
                      f'acknowledged ({time.monotonic() - started:.1f} s)', flush=True)
            except Exception as error:
                failed.append(name)
                print(f'FAILED  {name}: {type(error).__name__}: {error}\n'
                      f'{server.output[-3000:]}', flush=True)
                await server.kill()
                break
    return ledger.count()


async def play(options):
    chance = random.Random(options.seed)
    passed, failed = [], []
    acknowledged = 0
    for first in range(1, options.rounds + 1, ROUNDS_OF_A_LIFE):
        numbers = range(first, min(first + ROUNDS_OF_A_LIFE, options.rounds + 1))
        acknowledged += await play_one_life(options, chance, numbers, passed, failed)
        if failed:
            break
    if acknowledged < 10 * options.rounds:
        failed.append('there_was_a_load')
    print(f'{acknowledged} messages acknowledged, {len(passed)} kills')
    return passed, failed


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    clock.set_patience(options.patience)
    print(f'seed {options.seed}')
    with tempfile.TemporaryDirectory(prefix='twoticks-kill-') as folder:
        # A copy: who builds meanwhile must not change what is tested.
        options.program = shutil.copy2(options.program, folder)
        return scenario.report(options.report, *asyncio.run(play(options)))


if __name__ == '__main__':
    sys.exit(main())
