#!/usr/bin/python3
"""backlog: how long a phone takes that comes back to very many messages, and in what memory.

usage: backlog.py [--program build/release/twoticks] [--messages 100000]
"""
import argparse
import asyncio
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import websockets  # noqa: E402
from client import clock  # noqa: E402
from client.server import Server  # noqa: E402

IN_FLIGHT = 500


def peak_kib(pid):
    with open(f'/proc/{pid}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))


async def socket_of(server, user):
    headers = {'Authorization': 'Bearer ' + await server.token(user, 'phone')}
    return await websockets.connect('ws://%s:%d/ws' % server.address, extra_headers=headers,
                                    compression=None, ping_interval=None)


async def store(server, conversation, count):
    alice = await socket_of(server, 'alice')
    sent = answered = 0
    while answered < count:
        while sent < count and sent - answered < IN_FLIGHT:
            sent += 1
            await alice.send(json.dumps({
                'type': 'send', 'client_id': f'n{sent}', 'conversation_id': conversation,
                'content': f'message {sent} '.ljust(100, 'x')}))
        frame = json.loads(await alice.recv())
        assert frame['type'] != 'error', frame
        answered += frame['type'] == 'sent'
    await alice.close()


async def receive(server, count):
    """Reads to the end, checking the order and keeping nothing; acks now and then."""
    bob = await socket_of(server, 'bob')
    last = 0
    async for text in bob:
        frame = json.loads(text)
        if frame['type'] == 'message':
            assert frame['seq'] == last + 1, (frame, last)
            last = frame['seq']
            if last % 1000 == 0 or last == count:
                await bob.send(json.dumps({'type': 'delivered', 'seq': last,
                                           'conversation_id': frame['conversation_id']}))
        elif frame['type'] == 'caught_up':
            break
    await bob.close()
    assert last == count, f'{last} of {count}'


async def play(options):
    unlimited = ['--sends-per-second', 0, '--frames-per-second', 0]
    async with Server(options.program, options.nodes, unlimited) as server:
        answer = await server.call('POST', '/conversation', 'alice',
                                   json={'members': ['alice', 'bob']})
        bob = await socket_of(server, 'bob')
        await bob.close()
        await store(server, answer.json['conversation_id'], options.messages)
        await server.stop()
        await server.start()
        pid = server.process.pid
        before = peak_kib(pid)
        started = time.monotonic()
        await clock.within(600, receive(server, options.messages), 'the phone has everything')
        seconds = time.monotonic() - started
        print(f'{options.messages} messages in order in {seconds:.1f} s '
              f'({options.messages / seconds:.0f} a second, with a client in Python); '
              f'the server grew from {before} to at most {peak_kib(pid)} KiB')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default='build/release/twoticks', type=os.path.abspath)
    parser.add_argument('--messages', type=int, default=100000)
    parser.add_argument('--nodes', type=int, default=1)
    asyncio.run(play(parser.parse_args()))


if __name__ == '__main__':
    main()
