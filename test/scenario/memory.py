"""memory: what somebody only announces takes no memory."""
import asyncio
import pathlib

from client.raw_socket import PING, PONG, TEXT, frame
from client.scenario import scenario

ANNOUNCED = 500 * 1024  # within the limit of one message
SOCKETS = 200


def memory_of(server):
    """Resident bytes."""
    status = pathlib.Path(f'/proc/{server.process.pid}/status').read_text()
    line, = [line for line in status.splitlines() if line.startswith('VmRSS:')]
    return int(line.split()[1]) * 1024


async def announce(world, number):
    """A frame of which only the head and a few bytes come; the pong says that they were read."""
    socket = await world.raw(f'user-{number // 8}', f'raw-{number % 8}')
    socket.write(frame(PING, b'before') + frame(TEXT, b' ' * 10, length=ANNOUNCED))
    assert await socket.wait_for(PONG) == b'before'


@scenario
async def announced_frames_take_no_memory(world):
    server = await world.serve()
    await announce(world, 0)
    before = memory_of(server)
    for first in range(8, SOCKETS, 16):
        await asyncio.gather(*(announce(world, number) for number in range(first, first + 16)))
    grown = memory_of(server) - before
    assert grown < SOCKETS * ANNOUNCED / 2, f'{grown} bytes more'


@scenario
async def announced_bodies_take_no_memory(world):
    server = await world.serve()
    token = await server.token('alice')
    head = ('POST /conversation HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
            f'Authorization: Bearer {token}\r\nContent-Length: {ANNOUNCED}\r\n'
            'Expect: 100-continue\r\n\r\n').encode()

    async def connect():
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(head)
        assert b' 100 ' in await reader.readuntil(b'\r\n\r\n')
        return writer

    writers = [await connect()]
    before = memory_of(server)
    writers += [await connect() for _ in range(SOCKETS)]
    grown = memory_of(server) - before
    for writer in writers:
        writer.transport.abort()
    assert grown < SOCKETS * ANNOUNCED / 2, f'{grown} bytes more'


@scenario
async def endless_fragments_end(world):
    await world.serve()
    socket = await world.raw()
    socket.write(frame(TEXT, b' ', fin=False) + frame(0, b' ', fin=False) * 1000000)
    assert await socket.close_code() == 1009
    socket = await world.raw('mallory', 'empty')
    socket.write(frame(TEXT, fin=False) + frame(0, fin=False) * 1000000)
    assert await socket.close_code() == 1009
