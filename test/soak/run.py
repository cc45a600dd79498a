#!/usr/bin/python3
"""run: a steady load for as long as you like, while connections break and the server is killed.

usage: run.py [--minutes 5] [--seed N] [--program build/release/twoticks]

Everything happens in a network namespace of its own (needs root), where nft drops or resets what
some clients say and hear, as a phone in a tunnel does; a proxy delays the others. In the first and
the last part the server is killed now and then; in between it lives, and its memory and its files
must stay what they were (flat.py). At the end everybody gets everything, and all promises are kept.
"""
import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / 'crash')]

import flat  # noqa: E402  (found only now)
import websockets  # noqa: E402
from client import clock, scenario  # noqa: E402
from ledger import Ledger  # noqa: E402
from load import Load, Sender  # noqa: E402

GROUPS = 6
MEMBERS = 4
PAUSE_SECONDS = 0.05  # of each client, between an answer and its next message
SILENCE_SECONDS = 8  # after which a client tries again
# So that what may grow has grown within a minute, and a dead client is noticed within seconds.
SERVER = ['--heartbeat', '2s', '--pong', '2s', '--memtable-bytes', '128KiB',
          '--cache-bytes', '1MiB', '--segment-bytes', '4MiB', '--log-level', 'warn']
# So that what was freed is given back at once, and memory that grows is memory in use.
FREED = {'MALLOC_ARENA_MAX': '1', 'MALLOC_TRIM_THRESHOLD_': '65536'}
SAMPLE_SECONDS = 0.5
OWN_MEMORY = re.compile(r'RssAnon:\s+(\d+) kB')  # what is mapped of files may come and go

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def own_network():
    """A network namespace whose only interface is lo."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'no network namespace of our own; this needs root')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack('16sH14x', b'lo', IFF_UP))
    nft('add table inet soak; add chain inet soak trouble '
        '{ type filter hook input priority 0; policy accept; }')


def nft(rules):
    done = subprocess.run(['nft', rules], capture_output=True, text=True)
    assert done.returncode == 0, f'nft {rules}: {done.stderr}'


class Proxy:
    """Between some clients and the server: everything comes late, and in order."""

    def __init__(self, server):
        self.server = server
        self.delay = 0.0
        self.address = None
        self.writers = set()

    async def start(self):
        listening = await asyncio.start_server(self.accept, '127.0.0.1', 0)
        self.address = listening.sockets[0].getsockname()[:2]

    async def accept(self, reader, writer):
        try:
            there, back = await asyncio.open_connection(*self.server.address)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, back}
        await asyncio.gather(self.pump(reader, back), self.pump(there, writer))
        self.writers -= {writer, back}

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await clock.pass_seconds(self.delay)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()

    def reset(self):
        """Everybody's connection ends at once."""
        for writer in self.writers:
            writer.transport.abort()


class Client(Sender):
    """A sender that takes its time, and comes back whenever it lost its connection."""

    def __init__(self, ledger, user, conversation):
        super().__init__(ledger, user, conversation)
        self.port = None
        self.talks = True
        self.stopped = False
        self.connects = 0
        self.expected.add('unavailable')

    async def live(self, address, server):
        token = server.tokens[self.user, None, None]
        while not self.stopped:
            try:
                await self.one_connection(address, token)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError, EOFError):
                pass
            except AssertionError as error:
                self.errors.append(f'{self.user}: {error}')
                return
            finally:
                self.port = None
            await clock.pass_seconds(0.1)

    async def one_connection(self, address, token):
        async with websockets.connect(
                'ws://%s:%d/ws' % address(), extra_headers={'Authorization': 'Bearer ' + token},
                compression=None, ping_interval=None, max_queue=None, close_timeout=1,
                open_timeout=5) as connection:
            self.port = connection.local_address[1]
            self.connects += 1
            self.begin()
            await self.next(connection)
            while not self.stopped:
                text = await asyncio.wait_for(connection.recv(), SILENCE_SECONDS)
                await self.hear(connection, json.loads(text))

    async def next(self, connection):
        if self.unanswered is not None:  # a retry needs no pause
            await super().next(connection)
        elif self.talks:
            await clock.pass_seconds(PAUSE_SECONDS)
            await super().next(connection)


class Soak:
    def __init__(self, options):
        self.chance = random.Random(options.seed)
        self.seconds = options.minutes * 60
        self.ledger = Ledger()
        self.load = Load(options.program, self.ledger, GROUPS, MEMBERS, SERVER, may_fail=True)
        self.server = self.load.server
        self.server.nodes = 3
        self.server.environ.update(FREED)
        self.clients = [Client(self.ledger, one.user, one.conversation)
                        for one in self.load.senders]
        self.proxy = Proxy(self.server)
        self.counts = {'kill': 0, 'drop': 0, 'reset': 0, 'delay': 0, 'abort': 0}
        self.samples = []  # of the time without kills
        self.kills_allowed = False
        self.sockets_at_start = 0

    def files(self):
        """Where the server's open ones lead, but for those of the index, which grows."""
        for file in pathlib.Path(f'/proc/{self.server.process.pid}/fd').iterdir():
            with contextlib.suppress(FileNotFoundError):
                target = os.readlink(file)
                if not target.endswith('.sst'):
                    yield target

    def sockets(self):
        return sum(target.startswith('socket:') for target in self.files())

    def sample(self):
        status = pathlib.Path(f'/proc/{self.server.process.pid}/status').read_text()
        return flat.Sample(self.ledger.count(), int(OWN_MEMORY.search(status)[1]) << 10,
                           len(list(self.files())))

    def ports(self):
        """Of a few clients that are connected."""
        some = self.chance.sample(self.clients, len(self.clients) // 4)
        return [client.port for client in some if client.port]

    async def disturb(self):
        """One trouble of some seconds."""
        what = self.chance.choice(['drop', 'reset', 'delay', 'abort'])
        if self.kills_allowed and (self.counts['kill'] == 0 or self.chance.random() < 0.3):
            what = 'kill'
        self.counts[what] += 1
        if what == 'kill':
            await self.server.kill()
            await self.server.start()
        elif what in ('drop', 'reset'):
            verdict = 'drop' if what == 'drop' else 'reject with tcp reset'
            for port in self.ports():
                nft(f'add rule inet soak trouble tcp sport {port} {verdict}; '
                    f'add rule inet soak trouble tcp dport {port} {verdict}')
            await clock.pass_seconds(self.chance.uniform(1, 7))
            nft('flush chain inet soak trouble')
        elif what == 'delay':
            self.proxy.delay = self.chance.uniform(0.02, 0.3)
            await clock.pass_seconds(self.chance.uniform(1, 5))
            self.proxy.delay = 0.0
        else:
            self.proxy.reset()

    async def phase(self, seconds, kills):
        self.kills_allowed = kills
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.disturb()
            await clock.pass_seconds(self.chance.uniform(0.5, 3))
            self.must_be_right()

    async def keep_sampling(self):
        while True:
            self.samples.append(self.sample())
            await clock.pass_seconds(SAMPLE_SECONDS)

    def must_be_right(self):
        errors = [error for client in self.clients for error in client.errors]
        assert not errors, errors[:5]

    async def settle(self):
        """Nobody talks any more; everybody has everything."""
        for client in self.clients:
            client.talks = False

        async def all_answered():
            return all(client.unanswered is None for client in self.clients)

        async def all_held():
            self.must_be_right()
            return all(client.held >= heads[client.conversation] for client in self.clients)
        await clock.until(60, all_answered, 'everything is answered')
        heads = {}
        for conversation, users in self.load.groups.items():
            chat = await self.server.get(f'/conversation/{conversation}?limit=1&open=0', users[0])
            heads[conversation] = chat['head_seq']
        # A device that came back is only sent what it had not acknowledged, so all say hello once.
        for client in self.clients:
            client.talks = True
        await clock.until(60, all_held, 'everybody has everything')

    async def leave(self, living):
        for client in self.clients:
            client.stopped = True
        await clock.within(60, asyncio.gather(*living), 'the clients leave')
        self.must_be_right()

        async def sockets_are_closed():
            return self.sockets() <= self.sockets_at_start
        await clock.until(60, sockets_are_closed, 'the sockets of those who left are closed')

    async def play(self):
        async with self.server:
            await self.load.create()
            self.sockets_at_start = self.sockets()
            await self.proxy.start()
            living = []
            for number, client in enumerate(self.clients):
                through = self.proxy if number % 2 else self.server
                living.append(asyncio.ensure_future(
                    client.live(lambda through=through: through.address, self.server)))
            await self.phase(self.seconds * 0.25, kills=True)
            sampling = asyncio.ensure_future(self.keep_sampling())
            await self.phase(self.seconds * 0.6, kills=False)
            sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sampling
            flat.check(self.samples)
            await self.phase(self.seconds * 0.15, kills=True)
            await self.settle()
            await self.leave(living)
            await self.load.check()
            await self.server.stop()
            await self.server.verify()


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=5)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    clock.set_patience(options.patience)
    print(f'{options.minutes:g} minutes, seed {options.seed}', flush=True)
    own_network()
    soak = Soak(options)
    failed = []
    try:
        asyncio.run(soak.play())
    except Exception as error:
        failed.append('soak')
        print(f'FAILED  {type(error).__name__}: {error}\n{soak.server.output[-3000:]}')
    troubles = ', '.join(f'{count} {what}' for what, count in soak.counts.items())
    connects = sum(client.connects for client in soak.clients)
    print(f'{soak.ledger.count()} messages acknowledged, {connects} connects; {troubles}')
    if not failed and soak.ledger.count() < options.minutes * 60:
        failed.append('there_was_a_load')
    return scenario.report(options.report, [] if failed else ['soak'], failed)


if __name__ == '__main__':
    sys.exit(main())
