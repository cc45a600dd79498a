"""slow_readers: who asks for much and does not read it costs bounded memory, and is cut."""
import asyncio
import json
import socket

from client import calls, clock
from client.raw_socket import PING, PONG, TEXT, RawSocket, frame, upgrade_lines
from client.scenario import scenario

MESSAGES = 30
BYTES = 60000  # of each; a snapshot of all of them is more than a socket may have unread
READERS = 15   # devices of bob's
OPENS = 4      # that a socket may have under way


async def open_narrow(address):
    """A connection whose kernel takes in hardly anything by itself."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, address)
    return await asyncio.open_connection(sock=made, limit=4096)


def peak_mib(server):
    with open(f'/proc/{server.process.pid}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) / 1024


async def metric(server, name):
    text = (await calls.call(server.admin, 'GET', '/metrics')).text
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(name))


async def full_conversation(world):
    server = await world.serve('--sends-per-second', 0, '--frames-per-second', 0)
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    for number in range(MESSAGES):
        await alice.say(conversation, 'x' * BYTES)
    return server, conversation, alice


class NeverReading(RawSocket):
    async def connect(self, user, device):
        token = await self.server.token(user, device)
        self.reader, self.writer = await open_narrow(self.server.address)
        lines = upgrade_lines(self.server.address, token)
        self.writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n')
        status, _ = await clock.within(60, calls.read_head(self.reader), 'the upgrade')
        assert status == 101, status
        self.reader._transport.pause_reading()
        return self

    def read_on(self):
        """Now in a hurry."""
        sock = self.writer.get_extra_info('socket')
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.reader._transport.resume_reading()


@scenario
async def who_asks_and_never_reads_is_closed_with_4413(world):
    server, conversation, alice = await full_conversation(world)
    before = peak_mib(server)
    readers = []
    for number in range(READERS):
        reader = NeverReading(server)
        world.raws.append(reader)
        readers.append(await reader.connect('bob', f'phone-{number}'))
    ask = frame(TEXT, json.dumps({'type': 'open', 'conversation_id': conversation}).encode())
    for reader in readers[1:]:
        reader.write(ask * 200)

    async def cut(count):
        async def are_cut():
            return await metric(server, 'twoticks_slow_consumers_total') == count
        await clock.until(60, are_cut, f'{count} are cut')
    await cut(READERS - 1)
    await alice.say(conversation, 'others are served')
    grown = peak_mib(server) - before
    # Each: what it may have unread, and the answers that were under way; without a bound it were
    # 5,000. And what the allocator keeps to itself.
    most = READERS * (1 + (OPENS + 1) * MESSAGES * BYTES / (1 << 20)) + 60
    assert grown < most * clock.patience, f'{grown:.0f} MiB more for {READERS}'
    readers[0].write(ask * 200)
    await cut(READERS)
    readers[0].read_on()
    assert await readers[0].close_code() == 4413


@scenario
async def who_only_pings_and_never_reads_costs_no_memory(world):
    server, _, alice = await full_conversation(world)
    before = peak_mib(server)
    readers = []
    for number in range(READERS):
        reader = NeverReading(server)
        world.raws.append(reader)
        readers.append(await reader.connect('mallory', f'phone-{number}'))
    pings = frame(PING, b'x' * 125) * 20000
    for reader in readers:
        reader.write(pings)  # 2.5 MB of pongs each, which nobody reads
    await alice.fence()
    for reader in readers:
        reader.read_on()
        assert await reader.wait_for(PONG) == b'x' * 125
    grown = peak_mib(server) - before
    assert grown < READERS * 2 * clock.patience, f'{grown:.0f} MiB more for {READERS}'


@scenario
async def answers_that_nobody_reads_cost_bounded_memory(world):
    """slowhttptest -X, with answers that are large: as many requests as fit, in a pipe."""
    server, conversation, alice = await full_conversation(world)
    before = peak_mib(server)
    token = await server.token('bob')
    head = calls.head_of('GET', f'/conversation/{conversation}?after=0', server.address, token, {})
    pairs = []
    for _ in range(READERS):
        pairs.append(await open_narrow(server.address))
        pairs[-1][0]._transport.pause_reading()
        pairs[-1][1].write(('\r\n'.join(head) + '\r\n\r\n').encode() * 200)
    await alice.fence()
    answer = await server.call('GET', '/me', 'carol')
    assert answer.status == 200, answer
    for reader, writer in pairs:  # one answer is complete before the next is begun
        reader._transport.resume_reading()
        got = await clock.within(60, calls.read_answer(reader), 'the first answer')
        assert got.status == 200 and len(got.json['messages']) == MESSAGES, got.status
        writer.transport.abort()
    grown = peak_mib(server) - before
    most = READERS * (1 + 3 * MESSAGES * BYTES / (1 << 20)) + 20
    assert grown < most * clock.patience, f'{grown:.0f} MiB more for {READERS}'


@scenario
async def more_opens_at_once_than_four_are_put_off(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hello')
    socket_of_bob = await world.raw('bob', 'tablet')
    ask = {'type': 'open', 'conversation_id': conversation}
    socket_of_bob.write(frame(TEXT, json.dumps(ask).encode()) * 40)
    answers, errors = 0, []
    while answers + len(errors) < 40:
        heard = json.loads(await socket_of_bob.wait_for(TEXT))
        answers += heard['type'] == 'conversation'
        errors += [heard] if heard['type'] == 'error' else []
    assert answers >= OPENS and errors, (answers, len(errors))
    assert all(one['code'] == 'rate_limited' and one['retry_after_ms'] > 0 and
               one['conversation_id'] == conversation for one in errors), errors[0]
    socket_of_bob.write(frame(TEXT, json.dumps(ask).encode()))
    while json.loads(await socket_of_bob.wait_for(TEXT))['type'] != 'conversation':
        pass
