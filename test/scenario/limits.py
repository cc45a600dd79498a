"""limits: who sends too much, too fast, too slowly or too long is told so, and others are not
disturbed."""
import asyncio
import os

from client import calls, clock
from client.raw_socket import PING, PONG, frame
from client.scenario import scenario


@scenario
async def more_sends_than_the_burst_are_rate_limited(world):
    conversation, alice, bob = await world.talk(['--sends-per-second', 10])
    for number in range(80):
        await alice.send(type='send', client_id=f'n{number}', conversation_id=conversation,
                         content='x')
    error = await alice.expect('error')
    assert error['code'] == 'rate_limited' and error['retry_after_ms'] > 0, error
    assert error['client_id'] and error['conversation_id'] == conversation
    await alice.fence()
    taken = 80 - len(alice.frames('error'))
    sent = [(await alice.expect('sent'))['seq'] for _ in range(taken)]
    assert 50 <= len(sent) < 80 and sent == list(range(1, len(sent) + 1)), sent
    assert await bob.messages(conversation, len(sent)) == sent


@scenario
async def http_sends_are_rate_limited_with_retry_after(world):
    conversation, _, _ = await world.talk(['--sends-per-second', 1])
    await world.server.token('alice', 'phone')
    answers = await asyncio.gather(*(world.server.call(
        'POST', f'/conversation/{conversation}/messages', 'alice', 'phone',
        json={'client_id': f'h{number}', 'content': 'x'})
        for number in range(60)))  # each node counts for itself
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {201, 429} and statuses.count(201) >= 5, statuses
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.code == 'rate_limited', refused
    assert int(refused.headers['retry-after']) >= 1, refused.headers


@scenario
async def frames_are_rate_limited_too(world):
    await world.serve('--frames-per-second', 10)
    alice = await world.device('alice')
    for _ in range(70):
        await alice.send(type='ping')
    error = await alice.expect('error')
    assert error['code'] == 'rate_limited' and error['retry_after_ms'] > 0, error


@scenario
async def who_goes_on_for_10_s_is_closed_with_4429(world):
    await world.serve('--frames-per-second', 5)
    alice = await world.device('alice')

    async def flood():
        while not alice._reading.done():
            try:
                await alice.send(type='ping')
            except Exception:
                return
            await clock.pass_seconds(0.01)

    flooding = asyncio.ensure_future(flood())
    assert await alice.closed(within=120) == 4429
    await flooding


@scenario
async def a_device_that_does_not_answer_heartbeats_is_closed_with_4408(world):
    await world.serve('--heartbeat', '1h')
    waited_for = await world.raw('bob', 'phone')
    world.server = await world.serve('--heartbeat', '300ms', '--pong', '3s')
    alive = await world.device('alice')
    socket = await world.raw('bob', 'phone')
    assert await socket.close_code() == 4408
    await alive.fence()
    waited_for.write(frame(PING))
    await waited_for.wait_for(PONG)


@scenario
async def heartbeat_seconds_is_told_in_hello(world):
    await world.serve()
    assert (await world.device('alice')).hello['heartbeat_seconds'] == 25


@scenario
async def a_slow_consumer_costs_bounded_memory_and_loses_nothing(world):
    await world.serve('--sends-per-second', 0, '--frames-per-second', 0)
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    stalled = await world.raw('bob', 'phone')
    stalled.reader._transport.pause_reading()
    for number in range(400):
        await alice.say(conversation, 'x' * 60000)
    pid = world.server.process.pid
    with open(f'/proc/{pid}/status') as status:
        kib = next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
    assert kib < 700 * 1024, f'{kib} KiB resident'
    stalled.end()
    bob = world.absent('bob')
    await bob.connect()
    assert await bob.messages(conversation, 400, within=30) == list(range(1, 401))


@scenario
async def requests_in_a_pipe_wait_until_the_answers_before_them_are_read(world):
    conversation, alice, _ = await world.talk(['--sends-per-second', 0])
    for number in range(50):
        await alice.say(conversation, 'x' * 60000)
    server = world.server
    token = await server.token('alice', 'tablet')
    reader, writer = await asyncio.open_connection(*server.address)
    head = calls.head_of('GET', f'/conversation/{conversation}?after=0', server.address, token, {})
    writer.write(('\r\n'.join(head) + '\r\n\r\n').encode() * 100)
    for number in range(300):
        await alice.say(conversation, 'whoever does not read keeps nobody waiting')
    answer = await clock.within(60, calls.read_answer(reader), 'the first answer')
    assert answer.status == 200 and len(answer.json['messages']) == 50
    with open(f'/proc/{server.process.pid}/status') as status:
        kib = next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
    assert kib < 150 * 1024 * clock.patience, f'{kib} KiB resident'  # sanitizers take more
    for number in range(99):
        answer = await clock.within(60, calls.read_answer(reader), f'answer {number}')
        assert answer.status == 200, answer
    writer.close()


@scenario
async def headers_end_at_16_kib(world):
    server = await world.serve()
    token = await server.token('alice')
    fits = await server.call('GET', '/me', token=token, headers={'X-Long': 'x' * 12000})
    assert fits.status == 200
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(b'GET /me HTTP/1.1\r\nHost: x\r\n' + b'X-Long: ' + b'x' * 20000 + b'\r\n\r\n')
    answer = await clock.within(60, calls.read_answer(reader), 'an answer')
    assert answer.status in (400, 431), answer
    writer.close()


@scenario
async def who_dawdles_over_the_headers_is_cut(world):
    lines = []
    for header_time in ('1h', '300ms'):
        server = await world.serve('--header-time', header_time)
        lines.append(await asyncio.open_connection(*server.address))
        lines[-1][1].write(b'GET /me HTTP/1.1\r\nHost')
    await clock.within(60, lines[1][0].read(), 'the connection is cut')
    assert not lines[0][0]._buffer and not lines[0][0].at_eof(), 'the hour is not over'
    for _, writer in lines:
        writer.close()

    async def is_served():  # on a machine that is busy a request may be late itself
        try:
            return (await server.call('GET', '/me', 'alice')).status == 200
        except (OSError, EOFError):
            return False
    await clock.until(60, is_served, 'who does not dawdle is served')


@scenario
async def bodies_end_at_the_limit(world):
    conversation, _, _ = await world.talk()
    answer = await world.server.call('POST', f'/conversation/{conversation}/messages', 'alice',
                                     body=b' ' * (512 * 1024 + 1))
    assert answer.status == 413 and answer.code == 'payload_too_large', answer


@scenario
async def a_group_has_at_most_1024_members(world):
    await world.serve()
    members = ['alice'] + [f'user-{number}' for number in range(1023)]
    answer = await world.server.call('POST', '/conversation', 'alice', json={
        'kind': 'group', 'members': members})
    assert answer.status == 201, answer
    answer = await world.server.call('POST', '/conversation', 'alice', json={
        'kind': 'group', 'members': members + ['one-more']})
    assert answer.status == 400 and answer.code == 'invalid_argument', answer


@scenario
async def a_user_has_at_most_so_many_conversations(world):
    await world.serve('--conversations', 3)
    for number in range(3):
        await world.conversation('alice', f'user-{number}')
    answer = await world.server.call('POST', '/conversation', 'alice', json={
        'members': ['alice', 'one-more']})
    assert answer.status == 409 and answer.code == 'conflict', answer


@scenario
async def hints_that_are_lost_to_a_full_queue_heal(world):
    await world.serve('--hint-queue-bytes', '64KiB', '--sends-per-second', 0)
    others = [f'user-{number}' for number in range(8)]
    group = await world.group('alice', *others)
    alice = await world.device('alice')
    devices = [await world.device(user) for user in others]
    for number in range(40):
        await alice.send(type='send', client_id=f'n{number}', conversation_id=group,
                         content='x' * 60000)
    await alice.expect('sent', client_id='n39')
    for device in devices:
        assert await device.messages(group, 40) == list(range(1, 41))


@scenario
async def a_server_with_few_open_files_says_so_at_start(world):
    few = await world.serve(wrapper=['prlimit', '--nofile=300:300'])
    assert '300' in few.output, few.output
    assert (await few.call('GET', '/me', 'alice')).status == 200


@scenario
async def clients_cannot_take_the_files_that_the_store_needs(world):
    server = await world.serve('--sends-per-second', 0, '--segment-bytes', '1MiB',
                               '--memtable-bytes', '1MiB', wrapper=['prlimit', '--nofile=200:200'])
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    idle = [await asyncio.open_connection(*server.address) for _ in range(250)]
    for number in range(60):
        await alice.say(conversation, os.urandom(30000).hex())
    for _, writer in idle:
        writer.close()
    bob = world.absent('bob')
    await bob.connect()
    assert await bob.messages(conversation, 60) == list(range(1, 61))


@scenario
async def far_too_few_open_files_are_refused_with_a_sentence(world):
    server = world.unstarted(wrapper=['prlimit', '--nofile=64:64'])
    await server.spawn()
    output = (await server.process.stdout.read()).decode()
    assert await server.wait() == 1 and 'ulimit -n' in output, output


@scenario
async def a_file_that_may_not_grow_ends_the_server_like_a_full_disk(world):
    server = await world.serve('--segment-bytes', '1MiB', '--memtable-bytes', '4MiB',
                               '--sends-per-second', 0,
                               wrapper=['prlimit', '--fsize=1500000:1500000', '--core=0', '--'])
    conversation = await world.conversation('alice', 'bob')
    sent = 0
    while server.process.returncode is None and sent < 1000:
        try:
            answer = await server.call(
                'POST', f'/conversation/{conversation}/messages', 'alice',
                json={'client_id': f'n{sent}', 'content': os.urandom(30000).hex()})
        except (OSError, EOFError, AssertionError):
            break
        assert answer.status == 201, answer
        sent += 1
    assert await server.wait() == 74 and 'File too large' in server.output, server.output
    server.wrapper = []
    await server.start()
    chat = await server.get(f'/conversation/{conversation}?open=0', 'alice')
    assert chat['head_seq'] in (sent, sent + 1), (sent, chat['head_seq'])


@scenario
async def a_first_start_that_failed_can_be_tried_again(world):
    server = world.unstarted(wrapper=['prlimit', '--fsize=100000:100000', '--core=0', '--'])
    await server.spawn()
    assert await server.refused() == 1 and 'File too large' in server.output, server.output
    server.process, server.wrapper = None, []
    await server.start()
