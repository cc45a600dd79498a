"""moves: `twoticks move`, seen by clients, by whoever kills it, and by whoever uses it wrongly."""
import asyncio
import os
import random
import re
import shutil
import signal

from client import clock
from client.scenario import scenario
from client.server import Server

CONV = 'conv_abc123'


async def tables_of(world):
    """(the options that name fresh tables, the whole place of servers that use them)"""
    place, environ = await world.shared.place(world.program)
    world.prefix, world.database = place[-1], int(place[3].rsplit('/', 1)[1])
    return place[-2:], place, environ


def embedded(world, environ, data=None):
    server = Server(world.program, 1, environ=environ, data=data)
    world.servers.append(server)
    return server


async def scaled(world, place, environ, keys):
    """A server of the scale-out mode, with the secret and the VAPID key of that folder."""
    server = world.scale_server(world.program, 1, (*place, '--server-id', 'ws_server_1'),
                                environ=environ)
    world.servers.append(server)
    for name in ('secret', 'vapid.pem'):
        shutil.copy(keys / name, server.data / name)
    return server


async def story(world, server):
    """Both documents' state: Bob off for days with five waiting, Alice with two devices, a group
    with somebody who was never there, acks, settings, a muted chat, an account, push addresses."""
    world.server = server
    await world.conversation('alice', 'bob', conversation_id=CONV)
    group = await world.group('alice', 'bob', 'carol', conversation_id='friends')
    alice = await world.device('alice', server=server)
    laptop = await world.device('alice', 'laptop', server=server)
    bob = await world.device('bob', server=server)
    for seq in range(1, 42):
        await alice.say(CONV, f'message {seq} é "quoted" \u0000', client_id=f'm{seq}')
    await bob.messages(CONV, 41)
    for seq in (5, 20, 41):
        await bob.read(CONV, seq)
    await alice.expect('status_update', last_read_seq=41)
    answer = await server.call('PUT', '/device/phone/push', 'bob', 'phone',
                               json={'provider': 'apns', 'token': '0f' * 32})
    assert answer.status == 200, answer
    await bob.close()
    for seq in range(42, 47):
        await alice.say(CONV, f'message {seq}', client_id=f'm{seq}')
    await laptop.messages(CONV, 46)
    await laptop.delivered(CONV, 44)
    await alice.say(group, 'is anybody there?')
    await server.call('PUT', '/me', 'alice', json={'display_name': 'Al\u00efce'})
    await server.call('PUT', f'/conversation/{CONV}/settings', 'alice',
                      json={'muted_until': '2099-01-01T00:00:00.000Z'})
    await server.call('POST', '/register', json={'user_id': 'dora', 'password': 'a long password'})
    await laptop.fence()
    await alice.close()
    await laptop.close()
    await everybody_has_left(server)


async def everybody_has_left(server):
    async def nobody_is_connected():
        devices = [device for user in ('alice', 'bob')
                   for device in (await server.get('/devices', user))['devices']]
        return not any(device['connected'] for device in devices)
    await clock.until(60, nobody_is_connected, 'everybody has left')


async def what_is_seen(server):
    """All that requests show, by whom and of what."""
    seen = {}
    for user in ('alice', 'bob', 'carol'):
        for path in ('/conversations?limit=50', f'/conversation/{CONV}?open=0&limit=200',
                     '/conversation/friends?open=0', '/me', '/devices',
                     f'/conversation/{CONV}/messages/46/info',
                     f'/conversation/{CONV}/timeline'):
            answer = await server.call('GET', path, user)
            assert answer.status in (200, 404), (user, path, answer)
            seen[user, path] = shown = answer.json
            if 'events' in shown:  # at the same time in any order
                shown['events'].sort(key=str)
    return seen


async def one_goes_on(world, server, before):
    """The same clients go on from where they were, and nothing is stored twice."""
    seen = await what_is_seen(server)
    for key, value in before.items():
        assert seen[key] == value, (key, value, seen[key])
    world.server = server
    bob = world.absent('bob', server=server)
    hello = await bob.connect()
    await bob.caught_up()
    assert hello['resumed'] is True, hello
    assert bob.seqs(CONV) == [42, 43, 44, 45, 46], bob.log
    laptop = await world.device('alice', 'laptop', server=server)
    assert laptop.hello['resumed'] is True
    assert laptop.seqs(CONV) == [45, 46], laptop.log
    alice = await world.device('alice', server=server)
    again = await alice.say(CONV, 'anything', client_id='m7')
    assert again['seq'] == 7, again
    for device in (bob, laptop, alice):
        await device.close()
    await everybody_has_left(server)


async def move(world, environ, *arguments, code=0):
    process = await asyncio.create_subprocess_exec(
        world.program, 'move', *(str(one) for one in arguments), env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    output, _ = await clock.within(60, process.communicate(), 'the move has ended')
    assert process.returncode == code, output.decode()
    return output.decode()


def empty_folder(world, environ, keys):
    """A server's data folder without a store, with the same keys."""
    server = embedded(world, environ)
    server.data.mkdir(mode=0o700)
    for name in ('secret', 'vapid.pem'):
        shutil.copy(keys / name, server.data / name)
    return server


@scenario
async def a_store_moves_there_and_back_and_clients_notice_a_reconnect(world):
    tables, place, environ = await tables_of(world)
    first = embedded(world, environ)
    first.options += ['--accounts', 'open', '--push-delay', '10m']
    await first.start()
    await story(world, first)
    before = await what_is_seen(first)
    output = await move(world, environ, '--data', first.data, '--to', 'dynamodb', *tables, code=1)
    assert 'another twoticks has' in output and 'stop it first' in output, output
    await first.stop()
    output = await move(world, environ, '--data', first.data, '--to', 'dynamodb', *tables)
    assert 'rows are the same in both' in output and 'vapid.pem' in output, output
    code, output = await first.run(*first.arguments())
    assert code != 0 and 'was moved to DynamoDB' in output, output

    second = await scaled(world, place, environ, first.data)
    second.options += ['--push-delay', '10m', '--accounts', 'open']
    await second.start()
    await one_goes_on(world, second, before)
    answer = await second.call('POST', '/login', json={
        'user_id': 'dora', 'password': 'a long password'})
    assert answer.status == 200, answer
    before = await what_is_seen(second)
    await second.stop()

    third = empty_folder(world, environ, first.data)
    third.options += ['--push-delay', '10m']
    output = await move(world, environ, '--data', third.data, '--from', 'dynamodb', *tables)
    assert 'rows are the same in both' in output, output
    code, output = await second.run(*second.arguments())
    assert code != 0 and 'were moved to' in output, output
    await third.verify()
    await third.start()
    await one_goes_on(world, third, before)
    await third.stop()
    await third.verify()
    output = await move(world, environ, '--data', third.data, '--from', 'dynamodb', '--give-up',
                        *tables)
    await second.start()
    await second.stop()


def give(folder, user):
    for path in [folder, *folder.rglob('*')]:
        os.chown(path, user, user)


def owners(folder):
    return {path.lstat().st_uid for path in [folder, *folder.rglob('*')]}


@scenario
async def a_move_by_root_leaves_a_folder_to_its_owner(world):
    if os.geteuid() != 0:
        return
    tables, _, environ = await tables_of(world)
    first = embedded(world, environ)
    await first.start()
    world.server = first
    await world.conversation('alice', 'bob')
    await first.stop()
    give(first.data, 65534)
    await move(world, environ, '--data', first.data, '--to', 'dynamodb', *tables)
    assert owners(first.data) == {65534}
    third = empty_folder(world, environ, first.data)
    give(third.data, 4321)
    await move(world, environ, '--data', third.data, '--from', 'dynamodb', *tables)
    assert owners(third.data) == {4321}


class Killing:
    """Passes connections on, and kills a process at the n-th piece that it sends."""

    def __init__(self, port):
        self.port = port
        self.left = None
        self.process = None
        self.pieces = 0

    async def listen(self):
        self.server = await asyncio.start_server(self.accept, '127.0.0.1', 0)
        return self.server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        there, back = await asyncio.open_connection('127.0.0.1', self.port)

        async def forward(source, target, counts):
            try:
                while piece := await source.read(1 << 20):
                    if counts:
                        self.count()
                    target.write(piece)
                    await target.drain()
            except OSError:
                pass
            finally:
                target.close()
        await asyncio.gather(forward(reader, back, True), forward(there, writer, False))

    def count(self):
        self.pieces += 1
        if self.left is not None and self.process is not None:
            self.left -= 1
            if self.left == 0 and self.process.returncode is None:
                self.process.send_signal(signal.SIGKILL)

    async def lives(self, world, environ, *arguments):
        """Runs the command until it is done, killing it each time a bit later; how many lives."""
        count = 0
        pieces = 3
        while True:
            self.left, self.process = pieces, None
            process = await asyncio.create_subprocess_exec(
                world.program, 'move', *(str(one) for one in arguments),
                env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT)
            self.process = process
            output, _ = await clock.within(60, process.communicate(), 'the move has ended')
            count += 1
            if process.returncode == 0:
                return count
            assert process.returncode == -signal.SIGKILL, output.decode()
            pieces = int(pieces * 1.5) + random.randrange(5)


@scenario
async def a_move_that_is_killed_at_any_moment_goes_on(world):
    tables, place, environ = await tables_of(world)
    killing = Killing(int(environ['AWS_ENDPOINT_URL_DYNAMODB'].rsplit(':', 1)[1]))
    through = {**environ, 'AWS_ENDPOINT_URL_DYNAMODB': f'http://127.0.0.1:{await killing.listen()}'}
    first = embedded(world, environ)
    first.options += ['--accounts', 'open', '--push-delay', '10m']
    await first.start()
    await story(world, first)
    before = await what_is_seen(first)
    await first.stop()
    assert await killing.lives(world, through, '--data', first.data, '--to', 'dynamodb',
                               *tables) > 4
    third = empty_folder(world, environ, first.data)
    third.options += ['--push-delay', '10m']
    assert await killing.lives(world, through, '--data', third.data, '--from', 'dynamodb',
                               *tables) > 4
    await third.verify()
    await third.start()
    await one_goes_on(world, third, before)
    killing.server.close()


@scenario
async def what_must_not_be_moved_is_left_as_it_is(world):
    tables, place, environ = await tables_of(world)
    others, _, _ = await tables_of(world)
    first = embedded(world, environ)
    await first.start()
    world.server = first
    await world.conversation('alice', 'bob', conversation_id=CONV)
    await first.stop()
    data, there = ('--data', first.data), ('--to', 'dynamodb')

    async def refused(*arguments, says, code=1):
        output = await move(world, environ, *arguments, code=code)
        assert re.search(says, output), output
    await refused(*data, code=2, says='say either --to dynamodb or --from dynamodb')
    await refused(*data, *there, '--from', 'dynamodb', code=2, says='say either')
    await refused(*there, code=2, says='--data DIR is missing')
    await refused('--data', first.folder / 'nowhere', *there, says='there is no store in')
    await refused(*data, '--from', 'dynamodb', *tables, says='holds a store already')
    await refused(*data, *there, '--table-prefix', 'missing_', says='there is no table missing_')
    output = await move(world, {**environ, 'AWS_ENDPOINT_URL_DYNAMODB': 'http://127.0.0.1:1'},
                        *data, *there, code=1)
    assert 'no answer came' in output, output
    await move(world, environ, *data, *there, *tables)
    await refused(*data, *there, *others, says='was moved to DynamoDB.* already')
    second = embedded(world, environ)
    await second.start()
    await second.stop()
    await refused('--data', second.data, *there, *tables, says='holds what came by another move')
    assert not (second.data / 'moved').exists()

    server = await scaled(world, place, environ, first.data)
    await server.start()
    third = empty_folder(world, environ, first.data)
    await refused('--data', third.data, '--from', 'dynamodb', *tables,
                  says='the server ws_server_1 is running')
    await server.stop()
    await third.start()  # nothing was begun
    await third.stop()
    code, output = await first.run('move', *data, *there, '--give-up')
    assert code == 0, output
    await first.start()
    await first.stop()
