#!/usr/bin/python3
"""idle: what authenticated sockets that do nothing cost a server.

usage: idle.py [--program build/release/twoticks] [--sockets 19000] [--seconds 30] [--tls]

Prints the server's user-space memory per idle socket and its CPU time while they idle. What the
store keeps of what it wrote last has nothing to do with the sockets that there are, and is bounded:
its caches are made small, so that they are full before the first half is there.
"""
import argparse
import asyncio
import os
import pathlib
import resource
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from client import calls, clock  # noqa: E402
from client.certificates import Pair  # noqa: E402
from client.raw_socket import upgrade_lines  # noqa: E402
from client.server import Server  # noqa: E402

SIDE_BY_SIDE = 200
SMALL = ('--cache-bytes', '1MiB', '--memtable-bytes', '1MiB')


def resident_bytes(pid):
    with open(f'/proc/{pid}/smaps_rollup') as rollup:
        return 1024 * next(int(line.split()[1]) for line in rollup if line.startswith('Rss:'))


def cpu_seconds(pid):
    with open(f'/proc/{pid}/stat') as stat:
        fields = stat.read().rsplit(') ', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


async def connect(server, turn, number):
    async with turn:
        token = server.sign(server.claims(f'user-{number}', device='phone'))
        lines = upgrade_lines(server.address, token)
        reader, writer = await asyncio.open_connection(*server.address, limit=4096,
                                                       ssl=server.tls)
        writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n')
        status, _ = await clock.within(60, calls.read_head(reader), 'the upgrade')
        assert status == 101, status
        await clock.within(60, reader.readuntil(b'caught_up'), 'caught_up')
    return reader, writer


async def play(options):
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(folder) if options.tls else None
        server = Server(options.program, options.nodes,
                        (*SMALL, *(pair.options() if pair else ())))
        server.tls = pair.client() if pair else None
        return await measure(options, server)


async def measure(options, server):
    async with server:
        pid = server.process.pid
        turn = asyncio.Semaphore(SIDE_BY_SIDE)
        warm = await asyncio.gather(*(connect(server, turn, number) for number in range(100)))
        before = resident_bytes(pid)
        idle = await asyncio.gather(*(connect(server, turn, number)
                                      for number in range(100, options.sockets)))
        after = resident_bytes(pid)
        print(f'{len(warm) + len(idle)} sockets are open and have caught up')
        print(f'{(after - before) / max(1, len(idle)):.0f} bytes of the server per idle socket')
        cpu = cpu_seconds(pid)
        await clock.pass_seconds(options.seconds)
        cpu = cpu_seconds(pid) - cpu
        print(f'{100 * cpu / options.seconds:.2f} % of one core while they idle '
              f'for {options.seconds} s')
        dead = sum(reader.at_eof() for reader, _ in warm + idle)
        print(f'{dead} sockets were lost')
        for _, writer in warm + idle:
            writer.transport.abort()
    return dead


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default='build/release/twoticks', type=os.path.abspath)
    parser.add_argument('--sockets', type=int, default=19000)
    parser.add_argument('--seconds', type=int, default=20,
                        help='less than the heartbeat, which these sockets do not answer')
    parser.add_argument('--tls', action='store_true', help='over TLS')
    parser.add_argument('--nodes', type=int, default=1)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 1 if asyncio.run(play(parser.parse_args())) else 0


if __name__ == '__main__':
    sys.exit(main())
