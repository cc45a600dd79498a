#!/usr/bin/python3
"""full_disk: a 40 MB file system fills up: nothing acknowledged is lost, and it heals.

usage: full_disk.py [--program build/release/twoticks]

The file system is a tmpfs, where possible in a mount namespace of its own, so that nothing is left
behind whatever happens; making one needs root.
"""
import asyncio
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from client import calls, clock, scenario  # noqa: E402
from client.device import Device  # noqa: E402
from client.server import Server  # noqa: E402
from ledger import Ledger  # noqa: E402

DISK_MB = 40
BALLAST_MB = 12
INSIDE = 'TWOTICKS_TEST_DISK'
CONVERSATION = 'conv_abc123'


class Disk:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ballast = self.folder / 'ballast'

    def put_ballast(self):
        self.ballast.write_bytes(bytes(BALLAST_MB << 20))

    def fill(self):
        """Takes every byte that is left."""
        with open(self.ballast, 'ab', buffering=0) as out:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        out.write(bytes(size))
                except OSError:
                    pass

    def make_room(self):
        self.ballast.unlink()


class Fill:
    def __init__(self, server, disk):
        self.server = server
        self.disk = disk
        self.ledger = Ledger()
        self.alice = Device(server, 'alice')
        self.bob = Device(server, 'bob')
        self.number = 0

    async def start(self):
        answer = await self.server.call('POST', '/conversation', 'alice', json={
            'members': ['alice', 'bob'], 'conversation_id': CONVERSATION})
        assert answer.status in (200, 201), answer
        await self.connect()

    async def connect(self):
        for device in (self.alice, self.bob):
            await device.connect()

    async def say(self):
        """One message; the answer's type and code, or `closed` if the server ended."""
        self.number += 1
        client_id = f'n{self.number}'
        content = client_id + os.urandom(15000).hex()  # so that nothing can be compressed
        self.ledger.offer(CONVERSATION, 'alice', content)
        try:
            await self.alice.send(type='send', client_id=client_id,
                                  conversation_id=CONVERSATION, content=content)
        except Exception:
            return 'closed'

        def answer():
            return next((index for index in range(len(self.alice.log) - 1, -1, -1)
                         if self.alice.log[index].get('client_id') == client_id), None)
        try:
            frame = await self.alice._wait(answer, f'an answer to {client_id}', 20)
        except AssertionError as error:
            if 'closed with' in str(error):
                return 'closed'
            raise
        if frame['type'] == 'sent':
            self.ledger.acknowledge(CONVERSATION, frame['seq'], 'alice', content)
            return 'sent'
        return frame['code']

    async def say_until(self, wanted, tries):
        seen = []
        for _ in range(tries):
            outcome = await self.say()
            seen.append(outcome)
            if outcome in wanted:
                return outcome
        raise AssertionError(f'never {wanted} in {tries} sends; at last {seen[-5:]}')

    async def come_back(self):
        """With room again: a server that ended starts again, one that did not goes on."""
        if self.server.process is None or self.server.process.returncode is not None:
            await self.server.wait()
            await self.server.start()
        for device in (self.alice, self.bob):
            if device.socket is None or device.socket.closed:
                await device.connect()

        async def sends():
            return await self.say() == 'sent'
        await clock.until(30, sends, 'sending works again')

    async def check(self):
        await self.ledger.check_messages(self.server, CONVERSATION, 'bob')


async def nearly_full(fill):
    """Sends are refused, reads and acks go on; all heals when there is room."""
    await fill.start()
    outcome = await fill.say_until({'unavailable', 'closed'}, 3000)
    assert outcome == 'unavailable', f'the server ended before the disk was full: {outcome}'
    assert fill.ledger.count() > 10, fill.ledger.count()
    await fill.check()
    seq = max(fill.ledger.sent[CONVERSATION])
    await fill.bob.messages(CONVERSATION, seq, within=30)
    await fill.bob.delivered(CONVERSATION, seq)
    await fill.alice.expect('status_update', last_delivered_seq=seq)
    fill.disk.make_room()
    await fill.come_back()
    await fill.check()


async def truly_full(fill):
    """Nothing more is acknowledged; the next start finds everything."""
    fill.disk.fill()
    outcome = await fill.say_until({'unavailable', 'closed'}, 3000)
    for _ in range(20):
        if outcome == 'closed':
            break
        outcome = await fill.say()
        assert outcome in ('sent', 'unavailable', 'closed'), outcome
    fill.disk.make_room()
    await fill.come_back()
    await fill.check()


async def killed_while_full(fill):
    """The same, with no chance to say goodbye."""
    fill.disk.fill()
    await fill.say_until({'unavailable', 'closed'}, 3000)
    await fill.server.kill()
    fill.disk.make_room()
    await fill.server.verify()
    await fill.server.start()
    await fill.come_back()
    await fill.check()


async def change_settings(fill, times):
    """What is written though sends are refused: pipelined on one connection. False: it ended, which
    a server that is short of everything may do to a connection without ending itself."""
    try:
        reader, writer = await asyncio.open_connection(*fill.server.address)
    except OSError:
        return False
    token = await fill.server.token('alice', 'phone')
    head = calls.head_of('PUT', '/me', fill.server.address, token, {'Content-Length': 824})
    try:
        for _ in range(times):
            body = json.dumps({'display_name': os.urandom(402).hex()}).encode()
            assert len(body) == 824, len(body)
            writer.write('\r\n'.join(head).encode() + b'\r\n\r\n' + body)
        for _ in range(times):
            answer = await clock.within(20, calls.read_answer(reader), 'an answer')
            assert answer.status in (200, 503), answer
        return True
    except (OSError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


async def the_last_byte(fill):
    """What may still be written when sends are refused takes the last byte: the server says so and
    ends, and the next start finds everything that was acknowledged."""
    await fill.start()
    await fill.say_until({'unavailable'}, 3000)
    for _ in range(1000):
        fill.disk.fill()  # each time: a merge of the index may have made room
        if not await change_settings(fill, 100) and fill.server.process.returncode is not None:
            break
    code = await fill.server.wait()
    assert code != 0 and 'level=error' in fill.server.output, (code, fill.server.output[-2000:])
    fill.disk.make_room()
    await fill.server.start()
    await fill.come_back()
    await fill.check()


async def play(options, folder):
    passed, failed = [], []
    for steps in ((nearly_full, truly_full, killed_while_full), (the_last_byte,)):
        await play_steps(options, folder, steps, passed, failed)
    return passed, failed


async def play_steps(options, folder, steps, passed, failed):
    disk = Disk(folder)
    disk.put_ballast()
    server = Server(options.program, 1, ['--sends-per-second', '0', '--frames-per-second', '0'],
                    data=disk.folder / 'data')
    async with server:
        fill = Fill(server, disk)
        for step in steps:
            try:
                await step(fill)
                passed.append(step.__name__)
                print(f'ok      {step.__name__}: {fill.ledger.count()} acknowledged', flush=True)
            except Exception as error:
                failed.append(step.__name__)
                print(f'FAILED  {step.__name__}: {type(error).__name__}: {error}\n'
                      f'{server.output[-3000:]}')
                break
        if not failed:
            await server.stop()
            await server.verify()
            passed.append('verify_after_' + steps[-1].__name__)
    shutil.rmtree(server.data)


def inside(options):
    folder = os.environ[INSIDE]
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_MB}m', 'tmpfs', folder])
    if mounted.returncode != 0:
        print('full_disk: could not mount a tmpfs; this test needs root')
        return scenario.report(options.report, [], ['a_disk_to_fill'])
    return scenario.report(options.report, *asyncio.run(play(options, folder)))


def main():
    options = scenario.arguments(__doc__.splitlines()[0]).parse_args()
    clock.set_patience(options.patience)
    if INSIDE in os.environ:
        return inside(options)
    with tempfile.TemporaryDirectory(prefix='twoticks-disk-') as folder:
        namespace = ['unshare', '--mount']
        if subprocess.run([*namespace, 'true'], capture_output=True).returncode != 0:
            namespace = []  # as in a plain chroot
        try:
            return subprocess.run([*namespace, sys.executable, *sys.argv],
                                  env={**os.environ, INSIDE: folder}).returncode
        finally:
            if not namespace:
                subprocess.run(['umount', '--lazy', folder], capture_output=True)


if __name__ == '__main__':
    sys.exit(main())
