"""replay: every device gets everything, in order, each message once per socket."""
import asyncio

from client.scenario import scenario


@scenario
async def hello_comes_first_and_caught_up_ends_the_backlog(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say_many(conversation, 3)
    await alice.say(await world.conversation('alice', 'carol'), 'not for bob')
    hello = await bob.connect()
    assert set(hello) >= {'type', 'user_id', 'device_id', 'session_id', 'server_id',
                          'server_time', 'heartbeat_seconds', 'resumed', 'linked_at'}, hello
    assert (hello['user_id'], hello['device_id']) == ('bob', 'phone')
    await bob.caught_up()
    assert [frame['type'] for frame in bob.log] == \
        ['hello', 'message', 'message', 'message', 'caught_up'], bob.log


@scenario
async def every_session_has_an_id_of_its_own(world):
    await world.serve()
    alice = await world.device('alice')
    first = alice.hello['session_id']
    await alice.reconnect()
    assert alice.hello['session_id'] != first


@scenario
async def resumed_is_false_for_a_device_that_starts_anew(world):
    await world.serve()
    alice = await world.device('alice')
    assert alice.hello['resumed'] is False
    await alice.reconnect()
    assert alice.hello['resumed'] is True
    answer = await world.server.call('DELETE', '/device/phone', 'alice', 'tablet')
    assert answer.status in (200, 204), answer
    await alice.closed()
    await alice.connect()
    assert alice.hello['resumed'] is False


@scenario
async def bobs_second_device_that_was_off_all_the_time_gets_its_own_replay(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('bob', 'tablet')
    await tablet.close()
    await alice.say_many(conversation, 10)
    await bob.messages(conversation, 10)
    await bob.read(conversation, 10)
    await alice.expect('status_update', last_read_seq=10)
    await tablet.connect()
    assert await tablet.messages(conversation, 10) == list(range(1, 11))
    await tablet.delivered(conversation, 10)
    await tablet.reconnect()
    await tablet.caught_up()
    assert tablet.seqs(conversation) == []
    assert len(alice.frames('status_update')) == 1, 'the maximum over the devices did not move'


@scenario
async def my_own_second_device_gets_what_i_sent_while_it_was_off(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('alice', 'tablet')
    await tablet.close()
    await alice.say_many(conversation, 3)
    await tablet.connect()
    assert await tablet.messages(conversation, 3) == [1, 2, 3]
    assert all('client_id' in frame for frame in tablet.frames('message'))


@scenario
async def a_users_very_first_device_gets_everything_since_the_membership(world):
    await world.serve()
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    await alice.say_many(conversation, 5)
    bob = await world.device('bob')
    assert bob.seqs(conversation) == [1, 2, 3, 4, 5]


@scenario
async def a_new_device_starts_at_the_users_last_delivered_seq_and_moves_no_tick(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 5)
    await bob.messages(conversation, 5)
    await bob.delivered(conversation, 3)
    await alice.expect('status_update', last_delivered_seq=3)
    tablet = await world.device('bob', 'tablet')
    assert tablet.seqs(conversation) == [4, 5]
    chat = await world.server.get(f'/conversation/{conversation}?open=0', 'alice')
    assert chat['last_delivered_seq'] == 3 and len(alice.frames('status_update')) == 1
    await tablet.delivered(conversation, 5)
    assert (await alice.expect('status_update'))['last_delivered_seq'] == 5


@scenario
async def a_client_that_never_acks_still_gets_everything(world):
    conversation, alice, bob = await world.talk()
    for start in (1, 101, 201):
        await alice.say_many(conversation, 100)
        assert await bob.messages(conversation, start + 99) == list(range(1, start + 100))


@scenario
async def live_messages_join_the_backlog_without_a_gap(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say_many(conversation, 200)
    talking = asyncio.ensure_future(alice.say_many(conversation, 200))
    await bob.connect()
    await talking
    assert await bob.messages(conversation, 400) == list(range(1, 401))


@scenario
async def reconnecting_in_the_middle_of_a_stream_misses_and_doubles_nothing(world):
    conversation, alice, bob = await world.talk()
    talking = asyncio.ensure_future(alice.say_many(conversation, 300))
    held = 0
    for _ in range(10):
        await bob._wait(lambda: next((i for i, one in enumerate(bob.log)
                                      if one['type'] == 'message' and one['seq'] > held), None),
                        'one more message', 10)
        seqs = bob.seqs(conversation)
        assert seqs == list(range(held + 1, held + 1 + len(seqs))), seqs
        held = seqs[-1]
        if held == 300:
            break
        await bob.delivered(conversation, held)
        await bob.fence()
        await alice.expect('status_update', last_delivered_seq=held)
        await bob.reconnect()
    await talking
    if held < 300:
        seqs = await bob.messages(conversation, 300)
        assert seqs == list(range(held + 1, 301)), seqs


@scenario
async def a_backlog_of_several_conversations_comes_complete(world):
    await world.serve()
    alice = await world.device('alice')
    conversations = [await world.group('alice', 'bob', conversation_id=f'conv-{number}')
                     for number in range(30)]
    for conversation in conversations:
        await alice.say_many(conversation, 5)
    bob = await world.device('bob')
    for conversation in conversations:
        assert bob.seqs(conversation) == [1, 2, 3, 4, 5]


@scenario
async def a_long_backlog_arrives_in_order(world):
    await world.serve('--sends-per-second', 0, '--frames-per-second', 0)
    conversation = await world.conversation('alice', 'bob')
    bob = await world.device('bob')
    await bob.close()
    alice = await world.device('alice')
    for _ in range(5):
        await alice.say_many(conversation, 1000)
    await bob.connect()
    assert await bob.messages(conversation, 5000, within=30) == list(range(1, 5001))


@scenario
async def the_same_device_again_closes_the_older_socket_with_4409(world):
    conversation, alice, bob = await world.talk()
    newer = await world.device('bob')
    assert await bob.closed() == 4409
    await alice.say(conversation, 'hey')
    assert await newer.messages(conversation, 1) == [1]


@scenario
async def what_was_handed_to_the_older_socket_cannot_be_acked_as_a_newer_one(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say_many(conversation, 3)
    await bob.connect()
    await bob.delivered(conversation, 3)
    await bob.fence()
    error = bob.frames('error')
    assert error == [] or error[0]['code'] == 'ack_ahead' and error[0]['limit'] < 3
    await bob.messages(conversation, 3)
    await bob.delivered(conversation, 3)
    await alice.expect('status_update', last_delivered_seq=3)


@scenario
async def everything_is_handed_out_again_after_a_kill_of_the_server(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 20)
    await bob.messages(conversation, 20)
    await bob.delivered(conversation, 10)
    await alice.expect('status_update', last_delivered_seq=10)
    await world.server.restart()
    await bob.connect()
    await bob.caught_up()
    assert bob.seqs(conversation) == list(range(11, 21))
