"""crowds: very many connections, or one that does very much: others are served meanwhile."""
import asyncio
import os
import time

import websockets

from client import calls, clock
from client.raw_socket import frame
from client.scenario import scenario


async def knock(server, source='127.0.0.1'):
    """A connection that says nothing."""
    return await asyncio.open_connection(*server.address, local_addr=(source, 0))


async def is_closed(connection, within=60):
    reader, _ = connection
    try:
        return await clock.within(within, reader.read(1), 'the connection is closed') == b''
    except ConnectionError:
        return True


def cpu_seconds(server):
    fields = open(f'/proc/{server.process.pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@scenario
async def an_address_has_so_many_connections_and_others_have_theirs(world):
    server = await world.serve('--sockets-per-address', 5)
    kept = [await knock(server, '127.0.0.2') for _ in range(5)]
    assert await is_closed(await knock(server, '127.0.0.2'))
    assert (await server.call('GET', '/me', 'alice')).status == 200  # from 127.0.0.1
    kept.pop()[1].close()

    async def may_come():
        reader, writer = await knock(server, '127.0.0.2')
        try:
            writer.write(b'GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
            return (await reader.read(20)).startswith(b'HTTP/1.1 401')
        except ConnectionError:
            return False
        finally:
            writer.close()
    await clock.until(60, may_come, 'there is room for another one')
    for _, writer in kept:
        writer.close()


@scenario
async def behind_a_proxy_each_clients_sockets_count_for_himself(world):
    server = await world.serve('--sockets-per-address', 2, '--trusted-proxies', '127.0.0.1')

    async def connect(number, client):
        token = await server.token('alice', f'd{number}')
        return await websockets.connect('ws://%s:%d/ws' % server.address, extra_headers={
            'Authorization': f'Bearer {token}', 'X-Forwarded-For': client})

    sockets = [await connect(1, '192.0.2.1'), await connect(2, '192.0.2.1')]
    try:
        await connect(3, '192.0.2.1')
        raise AssertionError('the third was let in')
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 429, refused
        assert int(refused.headers['retry-after']) >= 1, refused.headers
    sockets.append(await connect(3, '192.0.2.9'))
    sockets.append(await connect(4, '2001:db8::1'))
    sockets.append(await connect(5, '2001:db8::2'))
    try:
        await connect(6, '2001:db8:0:0:ffff::3')  # all of one /64
        raise AssertionError('the third of a network was let in')
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 429, refused
    await sockets[0].close()

    async def may_come():
        try:
            sockets.append(await connect(7, '192.0.2.1'))
            return True
        except websockets.InvalidStatusCode:
            return False
    await clock.until(60, may_come, 'there is room for another one')
    for socket in sockets:
        await socket.close()


@scenario
async def who_says_nothing_goes_for_who_comes(world):
    """Slow lorises fill what there is for strangers, but keep nobody out for long."""
    server = await world.serve('--unauthenticated', 20, '--header-time', '1h')
    alice = await world.device('alice')
    silent = [await knock(server) for _ in range(60)]

    async def is_served():
        try:
            return (await server.call('GET', '/me', 'bob')).status == 200
        except (ConnectionError, asyncio.IncompleteReadError):
            return False
    await server.token('bob')
    await clock.until(60, is_served, 'a newcomer is served')
    await alice.fence()  # who is known is never thrown out
    for _ in range(40):
        silent.append(await knock(server))
    await alice.fence()
    for _, writer in silent:
        writer.close()


@scenario
async def pings_count_as_frames(world):
    await world.serve('--frames-per-second', 10)
    alice = await world.device('alice')
    raw = await world.raw()
    began = time.monotonic()

    async def flood():
        while True:
            raw.write(frame(9) * 500)
            await clock.pass_seconds(0.02)

    async def hear():
        refused = 0
        while True:
            opcode, payload = await raw.read_frame()
            refused += opcode == 1 and b'rate_limited' in payload
            if opcode == 8:
                return refused, int.from_bytes(payload[:2], 'big')
    flooding = asyncio.ensure_future(flood())
    try:
        await alice.fence()
        refused, code = await clock.within(30, hear(), 'the flood is closed')
    finally:
        flooding.cancel()
    assert code == 4429 and refused > 0, (code, refused)
    assert time.monotonic() - began >= 9, 'it was closed before 10 s were over'
    await alice.fence()


@scenario
async def out_of_files_nothing_spins_and_who_is_there_is_served(world):
    server = await world.serve('--unauthenticated', 100000,
                               wrapper=['prlimit', '--nofile=200:200'])
    conversation = await world.conversation('alice', 'bob')
    alice, bob = await world.device('alice'), await world.device('bob')
    held = []
    for _ in range(400):
        try:
            held.append(await knock(server))
        except OSError:
            break
    began, used = time.monotonic(), cpu_seconds(server)
    for seq in range(1, 6):
        await alice.say(conversation, f'{seq}')
        await bob.messages(conversation, seq)
        await clock.pass_seconds(0.3)  # in which it could spin
    wall, used = time.monotonic() - began, cpu_seconds(server) - used
    assert used < 0.5 * wall, f'{used:.2f} s of CPU in {wall:.2f} s'
    for _, writer in held:
        writer.close()

    async def is_served():
        try:
            return (await server.call('GET', '/me', 'alice')).status == 200
        except (ConnectionError, asyncio.IncompleteReadError, AssertionError):
            return False
    await clock.until(60, is_served, 'a newcomer is served again')


@scenario
async def who_dawdles_over_a_body_is_cut(world):
    lines = []
    for request_time in ('1h', '1s'):
        world.server = await world.serve('--request-time', request_time)
        lines.append(await knock(world.server))
        lines[-1][1].write(b'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"us')
    alice = await world.device('alice')
    answer = await clock.within(60, calls.read_answer(lines[1][0]), 'the answer')
    assert answer.status == 408, answer
    assert await is_closed(lines[1])
    assert not lines[0][0]._buffer and not lines[0][0].at_eof(), 'the hour is not over'
    for _, writer in lines:
        writer.close()
    await alice.fence()
