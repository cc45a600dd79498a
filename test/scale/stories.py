"""stories: what is promised of several servers at once, and what a peer finds in their tables."""
import asyncio
import json
import re
import time

import doubles
from client import calls, clock
from client.scenario import scenario

CONV = 'conv_abc123'
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
LEASE_AND_POLL_SECONDS = 12


async def redis_cli(world, *words):
    """What redis-cli prints, line by line."""
    process = await asyncio.create_subprocess_exec(
        'redis-cli', '-p', str(world.shared.redis.port), '-n', str(world.database), *words,
        stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().split()


async def rows(world, table, **key):
    """The rows of a table with that hash key, read by the AWS SDK."""
    process = await asyncio.create_subprocess_exec(
        doubles._tool('node'), str(doubles.HERE / 'rows.mjs'), world.prefix + table,
        json.dumps(key), env={**world.servers[0].environ}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL)
    output, _ = await process.communicate()
    return json.loads(output)


@scenario
async def peers_find_the_documents_values_in_the_tables(world):
    await world.serve()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    alice = await world.device('alice', server=world.cluster[0])
    bob = await world.device('bob', server=world.cluster[-1])
    place = (await redis_cli(world, 'HGETALL', 'ws:bob'))
    assert place[0] == 'phone', place
    assert re.match(r'%s\.\d+\.\d+$' % bob.hello['server_id'], place[1]), place
    await alice.say(CONV, 'hey', client_id='m1')
    await bob.messages(CONV, 1)
    message = (await rows(world, 'messages', conversation_id=CONV))[0]
    assert (message['seq'], message['sender'], message['content'], message['client_id']) == \
        (1, 'alice', 'hey', 'm1'), message
    assert TIME.match(message['timestamp']), message
    pending = (await rows(world, 'pending_deliveries', user_id='bob'))[0]
    assert (pending['conversation_id'], pending['first_undelivered_seq'], pending['armed_seq']) \
        == (CONV, 1, 1), pending
    sends = (await rows(world, 'sends', conversation_id=CONV))[0]
    assert (sends['user_id#client_id'], sends['seq']) == ('alice#m1', 1), sends
    await bob.read(CONV, 1)
    await alice.expect('status_update', last_read_seq=1)
    status = {row['user_id']: row for row in
              await rows(world, 'message_status', conversation_id=CONV)}
    assert status['bob']['last_delivered_seq'] == status['bob']['last_read_seq'] == 1, status
    assert status['bob']['devices'] == {'phone': 1}, status
    assert await rows(world, 'pending_deliveries', user_id='bob') == []
    await bob.close()

    async def is_gone():
        return await redis_cli(world, 'HGETALL', 'ws:bob') == []
    await clock.until(60, is_gone, 'ws:bob is empty')
    seen = await redis_cli(world, 'GET', 'last_seen:bob')
    assert TIME.match(seen[0]), seen


async def bob_is_nowhere(world):
    async def is_gone():
        return await redis_cli(world, 'HGETALL', 'ws:bob') == []
    await clock.until(60, is_gone, 'ws:bob is empty')


async def bob_is_on(world, server):
    """`HGETALL ws:bob` names the server, as the documents' SET ws:bob does."""
    place = await redis_cli(world, 'HGETALL', 'ws:bob')
    name = server.options[server.options.index('--server-id') + 1]
    assert place[0] == 'phone' and re.match(re.escape(name) + r'\.\d+\.\d+$', place[1]), place


async def status_of_bob(world):
    [row] = [row for row in await rows(world, 'message_status', conversation_id=CONV)
             if row['user_id'] == 'bob']
    return row['last_delivered_seq'], row['last_read_seq']


async def all_is_read(world):
    """Alice on the first server, Bob on the last one; message 41 was the last one that he read."""
    await world.serve()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    alice = await world.device('alice', server=world.cluster[0])
    bob = await world.device('bob', server=world.cluster[-1])
    await bob_is_on(world, world.cluster[-1])
    await alice.say_many(CONV, 41)
    await bob.messages(CONV, 41)
    await bob.read(CONV, 41)
    await alice.expect('status_update', last_read_seq=41)
    assert await status_of_bob(world) == (41, 41)
    return alice, bob


@scenario
async def the_first_document_is_played_literally_across_servers(world):
    texts = {42: 'hey', 43: 'where are you?', 44: 'hello??', 45: 'is everything okay?',
             46: 'call me when you can'}
    alice, bob = await all_is_read(world)
    await bob.drop()
    await bob_is_nowhere(world)
    for seq, text in texts.items():
        assert (await alice.say(CONV, text))['seq'] == seq
    stored = {row['seq']: row['content'] for row in
              await rows(world, 'messages', conversation_id=CONV)}
    assert {seq: stored[seq] for seq in texts} == texts, stored
    [pending] = await rows(world, 'pending_deliveries', user_id='bob')
    assert (pending['conversation_id'], pending['first_undelivered_seq'], pending['armed_seq']) \
        == (CONV, 42, 46), pending
    assert await status_of_bob(world) == (41, 41)
    [seen] = await redis_cli(world, 'GET', 'last_seen:bob')
    assert TIME.match(seen), seen

    await bob.connect()
    await bob_is_on(world, world.cluster[-1])
    await bob.caught_up()
    assert {one['seq']: one['content'] for one in bob.frames('message')} == texts, bob.log
    await alice.fence()
    assert len(alice.frames('status_update')) == 1, 'connected is not delivered'
    await bob.delivered(CONV, 46)
    await alice.expect('status_update', last_delivered_seq=46)
    assert await status_of_bob(world) == (46, 41)

    async def nothing_is_pending():
        return await rows(world, 'pending_deliveries', user_id='bob') == []
    await clock.until(60, nothing_is_pending, 'the pending row has gone')
    await bob.read(CONV, 46)
    await alice.expect('status_update', last_read_seq=46)
    assert await status_of_bob(world) == (46, 46)


@scenario
async def the_second_document_is_played_literally_across_servers(world):
    alice, bob = await all_is_read(world)
    await bob.close()
    await bob_is_nowhere(world)
    for text in ('hey', 'where are you?'):
        await alice.say(CONV, text)

    async def bob_is_shown_as_away():
        chat = await world.cluster[0].get(f'/conversation/{CONV}?open=0', 'alice', 'phone')
        return chat['bob_status'].get('online') is False
    await clock.until(60, bob_is_shown_as_away, 'bob is shown as away')
    chat = await world.cluster[0].get(f'/conversation/{CONV}', 'alice', 'phone')
    assert [(one['seq'], one['content'], one['sender']) for one in chat['messages'][-2:]] == \
        [(42, 'hey', 'alice'), (43, 'where are you?', 'alice')], chat
    assert await redis_cli(world, 'HGETALL', 'ws:bob') == []
    [seen] = await redis_cli(world, 'GET', 'last_seen:bob')
    assert chat['bob_status'] == {'online': False, 'last_seen': seen}, (chat, seen)
    assert (chat['last_delivered_seq'], chat['last_read_seq']) == await status_of_bob(world)

    await bob.connect()
    await alice.expect('presence', bob_status={'online': True})
    await bob_is_on(world, world.cluster[-1])
    await bob.caught_up()
    await bob.close()
    presence = await alice.expect('presence')
    await bob_is_nowhere(world)
    [seen] = await redis_cli(world, 'GET', 'last_seen:bob')
    assert presence['bob_status'] == {'online': False, 'last_seen': seen}, (presence, seen)


@scenario
async def what_all_servers_must_share_is_asked_for(world):
    await world.serve()
    server = world.cluster[0]
    await server.stop()
    key = server.data / 'vapid.pem'
    text = key.read_bytes()
    key.unlink()
    code, output = await server.run(*server.arguments())
    assert code != 0 and 'VAPID key' in output and str(key) in output, output
    assert not key.exists(), 'a key was made up'
    key.write_bytes(text)
    key.chmod(0o600)
    empty = server.folder / 'empty'
    arguments = [str(empty) if one == str(server.data) else one for one in server.arguments()]
    code, output = await server.run(*arguments)
    assert code != 0 and 'the same secret' in output and str(empty / 'secret') in output, output
    assert not (empty / 'secret').exists(), 'a secret was made up'
    await server.start()


@scenario
async def a_dead_server_leaves_no_ghost_and_loses_nothing(world):
    await world.serve()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    alice = await world.device('alice', server=world.cluster[0])
    bob = await world.device('bob', server=world.cluster[-1])
    shown = await alice.open(CONV)
    assert shown['bob_status'] == {'online': True}, shown
    await alice.say(CONV, 'before')
    await bob.messages(CONV, 1)
    await bob.delivered(CONV, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    died = time.monotonic()
    await world.cluster[-1].kill()
    await alice.say(CONV, 'while he is nowhere')
    presence = await alice.expect('presence', within=LEASE_AND_POLL_SECONDS)
    took = time.monotonic() - died
    assert presence['bob_status']['online'] is False, presence
    assert TIME.match(presence['bob_status']['last_seen']), presence
    print(f'        last seen was told {took:.1f} s after the server was killed')
    assert took < LEASE_AND_POLL_SECONDS * clock.patience, took
    again = await world.device('bob', server=world.cluster[0])
    assert again.hello['resumed'] is True
    assert again.seqs(CONV) == [2], again.log
    await alice.expect('presence', bob_status={'online': True})


@scenario
async def the_same_client_id_on_two_servers_at_once_is_one_message(world):
    await world.serve()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    for number in range(20):
        answers = await asyncio.gather(*(
            server.call('POST', f'/conversation/{CONV}/messages', 'alice',
                        json={'client_id': f'm{number}', 'content': 'x'})
            for server in world.cluster * 2))
        assert {answer.json['seq'] for answer in answers} == {number + 1}, answers
        assert sorted(answer.status for answer in answers)[-1] == 201, answers
    chat = await world.server.get(f'/conversation/{CONV}?limit=200', 'bob')
    assert [message['seq'] for message in chat['messages']] == list(range(1, 21)), chat


@scenario
async def two_servers_at_full_speed_give_seqs_without_gaps(world):
    await world.serve('--sends-per-second', 0, '--frames-per-second', 0)
    await world.conversation('alice', 'bob', conversation_id=CONV)
    alice = await world.device('alice', server=world.cluster[0])
    bob = await world.device('bob', server=world.cluster[-1])
    seqs = await asyncio.gather(alice.say_many(CONV, 100), bob.say_many(CONV, 100))
    assert sorted(seqs[0] + seqs[1]) == list(range(1, 201)), seqs
    assert seqs[0] == sorted(seqs[0]) and seqs[1] == sorted(seqs[1]), seqs
    assert await alice.messages(CONV, seqs[1][-1]) == seqs[1]
    assert await bob.messages(CONV, seqs[0][-1]) == seqs[0]


@scenario
async def a_device_that_moves_to_another_server_is_cut_on_the_first(world):
    await world.serve()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    first = await world.device('bob', server=world.cluster[0])
    second = await world.device('bob', server=world.cluster[-1])
    assert await first.closed() == 4409
    alice = await world.device('alice', server=world.cluster[0])
    await alice.say(CONV, 'where are you?')
    assert await second.messages(CONV, 1) == [1]


@scenario
async def without_redis_messages_are_stored_and_nothing_wrong_is_said(world):
    await world.serve_with_own_redis()
    await world.conversation('alice', 'bob', conversation_id=CONV)
    alice = await world.device('alice', server=world.cluster[0])
    bob = await world.device('bob', server=world.cluster[-1])
    await alice.open(CONV)
    world.own_redis.kill()
    assert (await alice.say(CONV, 'the registry is away'))['seq'] == 1

    async def presence_is_left_out():
        chat = await world.server.get(f'/conversation/{CONV}?open=0', 'alice')
        return 'online' not in chat.get('bob_status', {})
    await clock.until(60, presence_is_left_out, 'presence is left out')
    assert await bob.messages(CONV, 1) == [1]
    world.own_redis.start()

    async def presence_is_back():
        chat = await world.server.get(f'/conversation/{CONV}?open=0', 'alice')
        return chat.get('bob_status') == {'online': True}
    await clock.until(60, presence_is_back, 'presence is back')
    await alice.say(CONV, 'it is back')
    assert await bob.messages(CONV, 2) == [1, 2]


async def sockets_of(server):
    metrics = (await calls.call(server.admin, 'GET', '/metrics')).text
    return int(re.search(r'^twoticks_sessions (\d+)', metrics, re.M).group(1))


@scenario
async def bench_connects_to_all_servers_in_turn_and_waits(world):
    await world.serve('--sends-per-second', '0', '--frames-per-second', '0')
    servers = (world.cluster[0], world.cluster[-1])
    urls = [word for server in servers for word in ('--url', 'http://%s:%d' % server.address)]
    bench = await asyncio.create_subprocess_exec(
        world.program, 'bench', 'idle', '--sockets', '8', '--seconds', '2', '--chat', '100',
        '--json', '--wait', *urls, '--data', servers[0].data, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE)
    try:
        line = await clock.within(60, bench.stdout.readline(), 'all are connected')
        assert line.startswith(b'connected: 8 '), line
        assert [await sockets_of(server) for server in servers] == [4, 4]
        output, _ = await clock.within(60, bench.communicate(b'\n'), 'it has ended')
    finally:
        if bench.returncode is None:
            bench.kill()
    result = json.loads(output)
    assert bench.returncode == 0 and result['sockets_lost'] == 0 and result['rounds'] > 0, result
