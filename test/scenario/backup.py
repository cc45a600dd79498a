"""backup: copies of a server that runs, of one that does not, and what is made of them again."""
import asyncio
import os
import shutil
import signal
import socket
import time

from client import clock
from client.scenario import scenario


def snapshots(server):
    return [path for path in server.data.iterdir() if path.name.startswith('snapshot')]


async def back_up(server, to):
    code, output = await server.run('backup', '--data', server.data, '--to', to)
    assert code == 0 and 'verified' in output, output
    assert not snapshots(server) and not to.with_name(to.name + '.part').exists()


async def restored(world, backup):
    """A server on what became of the backup."""
    server = world.unstarted()
    code, output = await server.run('restore', '--from', backup, '--data', server.data)
    assert code == 0 and 'verified' in output, output
    await server.verify()
    await server.start()
    return server


async def everything(server, conversation, user='alice'):
    """All messages, as {seq: content}."""
    found, after = {}, 0
    while True:
        page = await server.get(
            f'/conversation/{conversation}?after={after}&limit=200&open=0', user)
        found |= {one['seq']: one['content'] for one in page['messages']}
        if not page['has_more_after']:
            return found
        after = max(found)


class Talker:
    """Sends without pause and notes what is acknowledged."""

    def __init__(self, device, conversation):
        self.device = device
        self.conversation = conversation
        self.sent = {}
        self.stopping = False
        self.task = asyncio.ensure_future(self.talk())

    async def talk(self):
        while not self.stopping:
            content = f'{self.device.user} {len(self.sent)} ' + 'x' * 500
            seq = (await self.device.say(self.conversation, content))['seq']
            self.sent[seq] = content

    async def stop(self):
        self.stopping = True
        await self.task
        assert self.sent


@scenario
async def a_backup_under_load_loses_nothing_that_was_acknowledged(world):
    server = await world.serve('--segment-bytes', '1MiB', '--memtable-bytes', '1MiB',
                               '--sends-per-second', '0', '--frames-per-second', '0')
    pairs = [(f'alice-{number}', f'bob-{number}') for number in range(3)]
    talkers = [Talker(await world.device(alice), await world.conversation(alice, bob))
               for alice, bob in pairs]
    before, folders = [], []
    for number in range(2):
        async def goes_on():
            return all(len(talker.sent) >= 30 * (number + 1) for talker in talkers)
        await clock.until(30, goes_on, 'everybody has sent more')
        before.append([dict(talker.sent) for talker in talkers])
        folders.append(server.folder / f'backup-{number}')
        await back_up(server, folders[-1])
    for talker in talkers:
        await talker.stop()
    for known, folder in zip(before, folders):
        copy = await restored(world, folder)
        for talker, (alice, _), sent in zip(talkers, pairs, known):
            held = await everything(copy, talker.conversation, alice)
            lost = sent.keys() - held.keys()
            assert not lost, f'{len(lost)} acknowledged messages are not in {folder}'
            assert all(held[seq] == content for seq, content in sent.items())
            assert sorted(held) == list(range(1, len(held) + 1))
            later = await everything(server, talker.conversation, alice)
            assert held.items() <= later.items(), 'nothing is in it that was never sent'
        await copy.stop()
    await server.stop()
    await server.verify()


@scenario
async def ticks_and_tokens_come_back_with_a_backup(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 5)
    await bob.messages(conversation, 5)
    await bob.read(conversation, 3)
    await bob.delivered(conversation, 5)
    await alice.expect('status_update', last_delivered_seq=5)
    token = await world.server.token('alice', 'phone')
    await back_up(world.server, world.server.folder / 'copy')
    copy = await restored(world, world.server.folder / 'copy')
    answer = await copy.call('GET', f'/conversation/{conversation}?open=0', token=token)
    assert answer.status == 200, answer
    assert (answer.json['last_delivered_seq'], answer.json['last_read_seq']) == (5, 3), answer
    again = world.absent('alice', server=copy)
    await again.connect(token=token)
    assert (await again.say(conversation, 'on we go'))['seq'] == 6


@scenario
async def a_stopped_server_can_be_backed_up_too(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 20)
    await world.server.kill()
    await back_up(world.server, world.server.folder / 'copy')
    copy = await restored(world, world.server.folder / 'copy')
    assert len(await everything(copy, conversation)) == 20
    await world.server.start()
    assert len(await everything(world.server, conversation)) == 20


@scenario
async def backups_side_by_side_do_not_meet(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 20)
    folders = [world.server.folder / f'copy-{number}' for number in range(3)]
    outcomes = await asyncio.gather(*(
        world.server.run('backup', '--data', world.server.data, '--to', one) for one in folders))
    assert [code for code, _ in outcomes] == [0, 0, 0], outcomes
    for folder in folders:
        copy = await restored(world, folder)
        assert len(await everything(copy, conversation)) == 20
        await copy.stop()
    assert not snapshots(world.server)


@scenario
async def a_backup_that_is_cut_short_leaves_nothing_behind_for_long(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 20)
    server = world.server
    abandoned = server.data / 'snapshot-1'
    shutil.copytree(server.data / 'store', abandoned / 'store')
    (abandoned / 'store.lock').touch()
    os.utime(abandoned, (0, 0))
    await back_up(server, server.folder / 'copy')
    shutil.copytree(server.folder / 'copy', abandoned)
    await server.kill()
    await server.start()
    assert not snapshots(server)


@scenario
async def backup_and_restore_overwrite_nothing_and_say_why(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    server, folder = world.server, world.server.folder
    copy = folder / 'copy'
    await back_up(server, copy)
    (folder / 'left.part').mkdir()
    for arguments, word in (
            (['backup', '--data', server.data, '--to', copy], 'there already'),
            (['backup', '--data', server.data, '--to', folder / 'left'], 'left.part'),
            (['backup', '--data', folder / 'nowhere', '--to', folder / 'a'], 'nowhere'),
            (['backup', '--data', folder / 'left.part', '--to', folder / 'a'], 'no store'),
            (['backup', '--data', server.data, '--to', folder / 'no/where'], 'No such file'),
            (['backup', '--data', server.data], '--to'),
            (['restore', '--from', copy, '--data', server.data], 'not empty'),
            (['restore', '--from', folder / 'nowhere', '--data', folder / 'b'], 'nowhere'),
            (['restore', '--from', folder, '--data', folder / 'b'], 'no store'),
            (['restore', '--data', folder / 'b'], '--from')):
        code, output = await server.run(*arguments)
        assert code != 0 and word in output, (arguments, output)
    assert not any((folder / name).exists() for name in ('a', 'a.part', 'b', 'b.part'))
    assert (await server.get(f'/conversation/{conversation}?open=0', 'alice'))['head_seq'] == 1


@scenario
async def a_damaged_backup_is_not_restored(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 50)
    copy = world.server.folder / 'copy'
    await back_up(world.server, copy)
    table = max((copy / 'store' / 'index').glob('*.sst'), key=lambda path: path.stat().st_size)
    with open(table, 'r+b') as file:
        file.seek(table.stat().st_size // 3)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xff]))
    to = world.server.folder / 'again'
    code, output = await world.server.run('restore', '--from', copy, '--data', to)
    assert code == 1 and output.strip(), output
    assert not to.exists()


@scenario
async def a_server_killed_in_a_backup_goes_on(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 200)
    server = world.server
    running = asyncio.ensure_future(
        server.run('backup', '--data', server.data, '--to', server.folder / 'copy'))
    await asyncio.sleep(0)
    server.process.send_signal(signal.SIGKILL)
    await server.kill()
    await running
    await server.verify()
    await server.start()
    assert len(await everything(server, conversation)) == 200
    assert not snapshots(server)


@scenario
async def a_server_that_stands_still_does_not_hold_up_commands(world):
    server = await world.serve()
    to = server.folder / 'backup'
    waiting = []
    server.process.send_signal(signal.SIGSTOP)
    try:
        for crowd in (0, 100):  # the second time its queue is full
            waiting += [socket.socket(socket.AF_UNIX) for _ in range(crowd)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(str(server.data / 'control'))
            began_at = time.monotonic()
            for code, output in await asyncio.gather(
                    server.run('backup', '--data', server.data, '--to', to),
                    server.run('user', 'list', '--data', server.data)):
                assert code == 1 and 'said nothing for 10 s' in output, output
            assert time.monotonic() - began_at < 30 * clock.patience
            assert not to.exists() and not to.with_name('backup.part').exists()
    finally:
        server.process.send_signal(signal.SIGCONT)
        for one in waiting:
            one.close()
    await back_up(server, to)
