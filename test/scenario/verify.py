"""verify: it looks at a stopped server's folder, and changes nothing there."""
import hashlib
import os
import pathlib
import shutil
import tempfile

from client.scenario import scenario

SMALL = ('--segment-bytes', '1MiB', '--memtable-bytes', '1MiB')


def look(folder):
    """Every name below, with all that a change would show in."""
    found = {}
    for path in [folder, *sorted(folder.rglob('*'))]:
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ''
        found[str(path.relative_to(folder))] = (
            status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns,
            status.st_ino, content)
    return found


def changed(before, after):
    return sorted(name for name in before.keys() | after.keys()
                  if before.get(name) != after.get(name))


async def verify(server, data, code_wanted, word):
    """What it says, where it must leave everything as it was."""
    before = look(data)
    code, output = await server.run('verify', '--data', data)
    assert changed(before, look(data)) == [], (word, output)
    assert (code, word in output) == (code_wanted, True), (word, code, output)
    return output


async def stopped_world(world):
    """Some of the messages are in the index, the rest in the journal only."""
    server = await world.serve(*SMALL)
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    await alice.say_many(conversation, 60)
    await server.stop()
    await server.start()
    alice = await world.device('alice', 'desk')
    await alice.say_many(conversation, 40)
    await server.kill()
    return server


def journals(data):
    return sorted((data / 'store/journal').glob('journal-*'))


def tables(data):
    return sorted((data / 'store/index').glob('*.sst'))


def manifest(data):
    return data / 'store/index' / (data / 'store/index/CURRENT').read_text().strip()


def without_lock(data):
    (data / 'store.lock').unlink()


def with_a_copy(data):
    last = journals(data)[-1]
    shutil.copy2(last, last.with_name(f'journal-{int(last.name[8:]) + 1:010}'))


def with_a_torn_list(data):
    with open(manifest(data), 'ab') as file:  # a whole entry by its header, and zeros
        file.write(b'\x9e\x67\x86\xbc\x05\x00\x01\x09' + bytes(4))


def with_a_nameless_table(data):
    tables(data)[-1].rename(data / 'store/index/incoming.sst')


def without_index(data):
    shutil.rmtree(data / 'store/index')


def without_current(data):
    (data / 'store/index/CURRENT').unlink()


def with_a_flipped_byte(data):
    last = journals(data)[-1]
    content = bytearray(last.read_bytes())
    content[200] ^= 1
    last.write_bytes(content)


def without_last_journal(data):
    journals(data)[-1].unlink()


def with_a_damaged_table(data):
    table = tables(data)[-1]
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 0xff
    table.write_bytes(content)


def with_a_damaged_list(data):
    content = bytearray(manifest(data).read_bytes())
    content[8] ^= 0xff
    manifest(data).write_bytes(content)


def without_format(data):
    (data / 'store/FORMAT').unlink()


@scenario
async def verify_changes_nothing_in_a_folder_that_is_whole(world):
    server = await stopped_world(world)
    await verify(server, server.data, 0, '100 messages')
    for owner in (0o700, 0o755):
        server.data.chmod(owner)
        await verify(server, server.data, 0, ' 0 problems')
    await server.start()
    await server.stop()
    await verify(server, server.data, 0, '100 messages')


@scenario
async def verify_changes_nothing_whatever_it_finds(world):
    server = await stopped_world(world)
    scratch = server.folder / 'scratch'
    scratch.mkdir()
    server.environ['TMPDIR'] = str(scratch)
    for damage, code, word in (
            (without_lock, 0, ' 0 problems'),
            (with_a_copy, 0, 'note: store/journal/journal-'),
            (with_a_torn_list, 0, 'note: store/index is as a crash'),
            (with_a_nameless_table, 0, 'note: store/index is as a crash'),
            (without_index, 0, 'note: store/index is not there'),
            (without_current, 1, 'CURRENT is missing'),
            (with_a_flipped_byte, 1, 'is damaged at byte'),
            (without_last_journal, 1, 'is missing'),
            (with_a_damaged_table, 1, 'store/index'),
            (with_a_damaged_list, 1, 'store/index cannot be opened'),
            (without_format, 1, 'is no twoticks store')):
        data = server.folder / damage.__name__
        shutil.copytree(server.data, data, ignore=shutil.ignore_patterns('control'))
        damage(data)
        output = await verify(server, data, code, word)
        assert code == 1 or ('100 messages' in output and ' 0 problems' in output), output
    assert list(scratch.iterdir()) == [], 'what it worked with is gone'


@scenario
async def verify_as_root_leaves_a_store_to_its_owner(world):
    if os.geteuid() != 0:
        return
    server = await stopped_world(world)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        data = pathlib.Path(folder) / 'data'
        shutil.copytree(server.data, data, ignore=shutil.ignore_patterns('control'))
        for path in [data, *data.rglob('*')]:
            os.chown(path, 65534, 65534)
        await verify(server, data, 0, ' 0 problems')
        (data / 'store.lock').unlink()
        await verify(server, data, 0, ' 0 problems')


@scenario
async def an_index_that_another_server_has_under_another_name_is_refused(world):
    server = await world.serve()
    data = server.folder / 'again'
    data.mkdir(mode=0o700)
    (data / 'store').symlink_to(server.data / 'store')
    before = look(server.data / 'store/index')
    for command in (['verify', '--data', data],
                    ['serve', '--data', data, '--listen', '127.0.0.1:0',
                     '--admin-listen', '127.0.0.1:0']):
        code, output = await server.run(*command)
        assert code == 1 and f'process {server.process.pid} has' in output, output
        assert 'stop it first' in output and 'restore' not in output, output
        after = look(server.data / 'store/index')
        assert changed(before, after) == [], changed(before, after)
