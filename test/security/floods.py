#!/usr/bin/python3
"""floods: what well-behaved users notice while somebody floods the server.

Pairs of users send each other messages; a round trip is send, sent, message, delivered and
status_update. Its p99 is measured in quiet, then under each flood, then in quiet again, all in one
run. It must stay within 3 times the quiet value (of the larger of the two quiet phases around it; a
flood that fails is given one more chance, since other programs of the machine make noise too).

usage: floods.py [--program build/release/twoticks] [--seconds 8] [--factor 3] [NAME...]
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import resource
import select
import selectors
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from client import clock  # noqa: E402
from client.device import Device  # noqa: E402
from client.raw_socket import frame, upgrade_lines  # noqa: E402
from client.server import Server  # noqa: E402

PAIRS = 8
PAUSE_SECONDS = 0.02
FLOOR_MS = 4.0  # a quieter p99 than this is luck, and three times luck is nothing to promise


# The attackers: each is a process of its own, lowest in priority so that it is the server and not
# the scheduler that is tested, and stops when it is killed.

def rest(seconds):
    """An attacker's own pace."""
    select.select([], [], [], seconds)


def connect(address, source=None):
    made = socket.socket()
    if source:
        made.bind((source, 0))
    made.connect(address)
    return made


def upgraded(address, token):
    made = connect(address)
    made.sendall('\r\n'.join(upgrade_lines(address, token)).encode() + b'\r\n\r\n')
    data = b''
    while b'\r\n\r\n' not in data:
        data += made.recv(4096)
    made.setblocking(False)
    return made


def pour(sockets, data, again):
    """Writes as fast as the server takes it, reads what comes, replaces what was closed."""
    selector = selectors.DefaultSelector()
    for one in sockets:
        selector.register(one, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while True:
        for key, events in selector.select(1):
            try:
                if events & selectors.EVENT_READ and not key.fileobj.recv(65536):
                    raise ConnectionError
                if events & selectors.EVENT_WRITE:
                    key.fileobj.send(data)
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                rest(0.01)
                fresh = again()
                selector.register(fresh, selectors.EVENT_READ | selectors.EVENT_WRITE)


def ping_flood(address, tokens):
    def again():
        return upgraded(address, random.choice(tokens))
    pour([upgraded(address, token) for token in tokens], frame(9, b'x') * 1000, again)


def frame_flood(address, tokens):
    text = json.dumps({'type': 'send', 'client_id': 'x', 'conversation_id': 'nowhere',
                       'content': 'x'}).encode()

    def again():
        return upgraded(address, random.choice(tokens))
    pour([upgraded(address, token) for token in tokens], frame(1, text) * 200, again)


def connect_flood(address, _):
    while True:
        held = []
        for _ in range(50):
            try:
                held.append(connect(address))
            except OSError:
                break
        for one in held:
            one.close()


def half_open(address, _):
    """As many as the limit of files allows, each with half a request."""
    held = []
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 50
    while True:
        try:
            one = connect(address)
            one.sendall(b'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: webso')
            one.setblocking(False)
            held.append(one)
        except OSError:
            rest(0.01)
        while len(held) > most:
            held.pop(0).close()


def slow_loris(address, _):
    """Heads and bodies that come a byte at a time, and answers that nobody reads."""
    starts = (b'GET / HTTP/1.1\r\nHost: x\r\nX: ',
              b'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n',
              b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' * 200)
    held = []
    while True:
        while len(held) < 2000:
            try:
                one = connect(address)
                one.sendall(random.choice(starts))
                one.setblocking(False)
                held.append(one)
            except OSError:
                break
        alive = []
        for one in held:
            try:
                one.send(b'x')
                alive.append(one)
            except BlockingIOError:
                alive.append(one)
            except OSError:
                one.close()
        held = alive
        rest(0.2)


def login_flood(address, _):
    """From many addresses, so that it is not over when one has used up its tries."""
    while True:
        source = '127.%d.%d.%d' % tuple(random.randrange(1, 255) for _ in range(3))
        try:
            one = connect(address, source)
            for _ in range(10):
                body = json.dumps({'user_id': f'user{random.randrange(100000)}',
                                   'password': 'a wrong password'}).encode()
                one.sendall(b'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n'
                            % len(body) + body)
            one.settimeout(2)
            one.recv(65536)
            one.close()
        except OSError:
            pass


ATTACKS = {one.__name__: one for one in (ping_flood, frame_flood, connect_flood, half_open,
                                         slow_loris, login_flood)}


# The well-behaved.

async def round_trips(alice, bob, conversation, until, times):
    number = 0
    while time.monotonic() < until:
        number += 1
        began = time.perf_counter()
        seq = (await alice.say(conversation, f'hello {number}'))['seq']
        await bob.messages(conversation, seq, within=60)
        await bob.delivered(conversation, seq)
        await alice.expect('status_update', within=60, conversation_id=conversation,
                           last_delivered_seq=seq)
        times.append((time.perf_counter() - began) * 1000)
        alice.log.clear()
        alice._taken.clear()
        bob.log.clear()
        bob._taken.clear()
        await clock.pass_seconds(PAUSE_SECONDS * (0.5 + random.random()))


async def p99(pairs, seconds):
    """(p99, median, count) in milliseconds."""
    times = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(round_trips(*pair, until, times) for pair in pairs))
    times.sort()
    return times[int(len(times) * 0.99)], times[len(times) // 2], len(times)


async def make_pairs(server):
    pairs = []
    for number in range(PAIRS):
        names = [f'alice{number}', f'bob{number}']
        conversation = f'conv_{number}'
        answer = await server.call('POST', '/conversation', names[0], 'phone', json={
            'kind': 'direct', 'members': names, 'conversation_id': conversation})
        assert answer.status == 201, answer
        devices = []
        for name in names:
            device = Device(server, name)
            await device.connect()
            devices.append(await device.caught_up())
        pairs.append((*devices, conversation))
    return pairs


class Attacker:
    def __init__(self, name, server, tokens):
        self.process = subprocess.Popen(
            ['nice', '-n', '19', sys.executable, __file__, '--attack', name,
             *[str(part) for part in server.address]], stdin=subprocess.PIPE)
        self.process.stdin.write(json.dumps(tokens).encode())
        self.process.stdin.close()

    def end(self):
        assert self.process.poll() is None, 'the attacker gave up'
        self.process.kill()
        self.process.wait()


async def under(name, server, pairs, tokens, seconds):
    attacker = Attacker(name, server, tokens)
    try:
        await clock.pass_seconds(1.5)  # it takes its places
        return await p99(pairs, seconds)
    finally:
        attacker.end()


def rss_mb(server):
    for line in open(f'/proc/{server.process.pid}/status'):
        if line.startswith('VmRSS'):
            return int(line.split()[1]) / 1024
    return 0


async def measure(options):
    failed = []
    server = Server(options.program, options.nodes, ['--accounts', 'open'])
    async with server:
        pairs = await make_pairs(server)
        tokens = [await server.token(f'mallory{number}', 'phone') for number in range(20)]
        await p99(pairs, 2)  # warm
        quiet, median, count = await p99(pairs, options.seconds)
        print(f'{"quiet":14} p99 {quiet:6.1f} ms  median {median:5.1f}  {count:5} round trips  '
              f'{rss_mb(server):.0f} MB', flush=True)
        for name in options.names or ATTACKS:
            for attempt in (1, 2):
                found, median, count = await under(name, server, pairs, tokens, options.seconds)
                await clock.pass_seconds(1)
                after, _, _ = await p99(pairs, options.seconds / 2)
                calm = max(quiet, after, FLOOR_MS)
                good = found <= options.factor * calm
                print(f'{name:14} p99 {found:6.1f} ms  median {median:5.1f}  '
                      f'{count:5} round trips  {rss_mb(server):.0f} MB  '
                      f'{found / calm:.1f} times the quiet {calm:.1f} ms  '
                      f'{"ok" if good else "TOO MUCH"}', flush=True)
                if good:
                    break
            if not good:
                failed.append(name)
        for alice, bob, _ in pairs:
            await alice.close()
            await bob.close()
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default='build/release/twoticks', type=os.path.abspath)
    parser.add_argument('--nodes', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=8)
    parser.add_argument('--factor', type=float, default=3)
    parser.add_argument('--attack', nargs=3, metavar=('NAME', 'HOST', 'PORT'))
    parser.add_argument('names', nargs='*', choices=[[], *ATTACKS], metavar='NAME')
    options = parser.parse_args()
    if options.attack:
        name, host, port = options.attack
        ATTACKS[name]((host, int(port)), json.load(sys.stdin))
        return 0
    failed = asyncio.run(measure(options))
    print(f'{len(options.names or ATTACKS) - len(failed)} floods withstood, {len(failed)} not')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
