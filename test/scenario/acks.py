"""acks: two ticks and blue: what moves a cursor, and what never does."""
import asyncio
import json

from client import raw_socket
from client.scenario import scenario


async def cursors(world, conversation, caller='alice'):
    chat = await world.server.get(f'/conversation/{conversation}?open=0', caller)
    return chat['last_delivered_seq'], chat['last_read_seq']


@scenario
async def an_ack_is_cumulative(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 5)
    await bob.messages(conversation, 5)
    await bob.delivered(conversation, 5)
    update = await alice.expect('status_update')
    assert update == {'type': 'status_update', 'conversation_id': conversation, 'user_id': 'bob',
                      'last_delivered_seq': 5}, update
    assert await cursors(world, conversation) == (5, 0)


@scenario
async def read_implies_delivered(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    await bob.messages(conversation, 3)
    sync = await bob.read(conversation, 3)
    assert sync == {'type': 'read_sync', 'conversation_id': conversation, 'last_read_seq': 3}
    update = await alice.expect('status_update', last_read_seq=3)
    assert update['last_delivered_seq'] == 3, 'both moved, so both are told'
    assert await cursors(world, conversation) == (3, 3)


@scenario
async def an_ack_that_repeats_or_goes_back_is_a_no_op_without_an_error(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    await bob.messages(conversation, 3)
    await bob.read(conversation, 3)
    await alice.expect('status_update')
    for kind in ('delivered', 'read'):
        for seq in (3, 2, 1):
            await bob.send(type=kind, conversation_id=conversation, seq=seq)
    await bob.say(conversation, 'and on')
    await alice.messages(conversation, 4)
    assert len(alice.frames('status_update')) == 1, alice.frames('status_update')
    assert bob.frames('error') == []
    assert await cursors(world, conversation) == (4, 4), 'his own message carried them along'


@scenario
async def a_burst_of_acks_on_a_new_socket_is_taken(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 40)
    await bob.messages(conversation, 40)
    await bob.delivered(conversation, 40)
    await alice.expect('status_update', last_delivered_seq=40)
    await bob.reconnect()
    await bob.caught_up()
    for seq in range(1, 42):
        await bob.delivered(conversation, seq)
    await bob.expect('error', code='ack_ahead', limit=40)
    await bob.fence()
    assert len(bob.frames('error')) == 1, bob.frames('error')


@scenario
async def my_own_message_may_be_acked_where_it_carried_my_cursor_along(world):
    conversation, alice, bob = await world.talk(['--sends-per-second', 0])
    for number in range(200):
        await alice.say(conversation, 'x' * 60000)
    stalled = await world.raw('bob', 'phone')
    stalled.reader._transport.pause_reading()
    await world.server.get(f'/conversation/{conversation}?after=0&limit=200', 'bob', 'phone')

    def say(**frame):
        stalled.write(raw_socket.frame(raw_socket.TEXT, json.dumps(frame).encode()))
    say(type='delivered', conversation_id=conversation, seq=200)
    await alice.expect('status_update', last_delivered_seq=200)
    say(type='send', client_id='mine', conversation_id=conversation, content='my own')
    await alice.expect('message', seq=201)
    say(type='delivered', conversation_id=conversation, seq=201)
    say(type='ping')
    stalled.reader._transport.resume_reading()
    while True:
        frame = json.loads(await stalled.wait_for(raw_socket.TEXT))
        assert frame['type'] != 'error', frame
        if frame['type'] == 'pong':
            break


@scenario
async def an_over_claimed_ack_is_refused_with_ack_ahead(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    await bob.messages(conversation, 3)
    for kind in ('delivered', 'read'):
        for seq in (4, 1000, 2**53 - 1):
            await bob.send(type=kind, conversation_id=conversation, seq=seq)
            error = await bob.expect('error')
            assert error['code'] == 'ack_ahead' and error['limit'] == 3, error
            assert error['conversation_id'] == conversation, error
    assert await cursors(world, conversation) == (0, 0)
    assert alice.frames('status_update') == []


@scenario
async def an_ack_in_a_conversation_that_is_not_mine_is_not_found(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    eve = await world.device('eve')
    for kind in ('delivered', 'read'):
        await eve.send(type=kind, conversation_id=conversation, seq=1)
        assert (await eve.expect('error'))['code'] == 'not_found'
    assert await cursors(world, conversation) == (0, 0)


@scenario
async def an_ack_and_a_send_where_i_am_no_member_are_both_answered(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    zed = await world.device('zed')
    for number in range(20):
        await zed.delivered(conversation, 1)
        await zed.send(type='send', client_id=f'z-{number}', conversation_id=conversation,
                       content='let me in')
    await zed.fence()
    for _ in range(40):
        await zed.expect('error', code='not_found')
    errors = zed.frames('error')
    assert {error['client_id'] for error in errors if 'client_id' in error} == \
        {f'z-{number}' for number in range(20)}
    assert len(errors) == 40, errors


@scenario
async def a_message_that_crosses_mine_never_turns_mine_blue(world):
    conversation, alice, bob = await world.talk()
    for _ in range(10):
        await asyncio.gather(alice.say(conversation, 'from alice'),
                             bob.say(conversation, 'from bob'))
    await alice.messages(conversation, max(alice.seqs(conversation) or [1]))
    delivered, read = await cursors(world, conversation)
    chat = await world.server.get(f'/conversation/{conversation}?after=0', 'alice')
    first_of_alice = next(one['seq'] for one in chat['messages'] if one['sender'] == 'alice')
    assert delivered < first_of_alice and read < first_of_alice, \
        f'nobody acked, yet alice is shown {delivered}, {read} of {chat["messages"]}'
    assert alice.frames('status_update') == [] and bob.frames('status_update') == []


@scenario
async def sending_never_moves_a_cursor_past_what_the_device_held(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say_many(conversation, 3)
    answer = await world.server.call('POST', f'/conversation/{conversation}/messages', 'bob',
                                     'phone', json={'client_id': 'x', 'content': 'from afar'})
    assert answer.json['seq'] == 4, answer
    assert await cursors(world, conversation) == (0, 0)
    await bob.connect()
    assert await bob.messages(conversation, 4) == [1, 2, 3, 4]
    await bob.say(conversation, 'here')
    assert await cursors(world, conversation) == (0, 0)
    chat = await world.server.get(f'/conversation/{conversation}?open=0', 'bob')
    assert chat['my_last_read_seq'] == 0, chat


@scenario
async def my_own_message_directly_after_my_cursor_carries_it_along(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    chat = await world.server.get(f'/conversation/{conversation}?open=0', 'alice')
    assert chat['my_last_read_seq'] == 3
    assert await cursors(world, conversation, 'bob') == (3, 3)
    await bob.messages(conversation, 3)
    assert bob.frames('status_update') == [], 'nobody is sent a status_update for that'
    await bob.read(conversation, 3)
    await bob.say(conversation, 'yes')
    await alice.messages(conversation, 4)
    assert await cursors(world, conversation) == (4, 4)
    assert [one.get('last_read_seq') for one in alice.frames('status_update')] == [3]


@scenario
async def a_lost_delivered_heals_on_the_next_socket(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 5)
    await bob.messages(conversation, 5)
    await bob.drop()
    await bob.connect()
    assert await bob.messages(conversation, 5) == [1, 2, 3, 4, 5]
    await bob.delivered(conversation, 5)
    assert (await alice.expect('status_update'))['last_delivered_seq'] == 5
    await bob.reconnect()
    await bob.caught_up()
    assert bob.seqs(conversation) == [], 'what was acked is not sent again'


@scenario
async def ticks_that_changed_while_i_was_away_are_right_when_i_come_back(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 2)
    await alice.close()
    await bob.messages(conversation, 2)
    await bob.read(conversation, 2)
    await alice.connect()
    await alice.caught_up()
    assert alice.frames('status_update') == [], 'ticks are not replayed at connect'
    chat = await alice.open(conversation)
    assert (chat['last_delivered_seq'], chat['last_read_seq']) == (2, 2)
    listed = (await world.server.get('/conversations', 'alice'))['conversations'][0]
    assert (listed['last_delivered_seq'], listed['last_read_seq']) == (2, 2)


@scenario
async def an_ack_survives_a_kill_once_it_was_shown(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 2)
    await bob.messages(conversation, 2)
    await bob.read(conversation, 2)
    await alice.expect('status_update', last_read_seq=2)
    await world.server.restart()
    assert await cursors(world, conversation) == (2, 2)


@scenario
async def what_open_answered_counts_as_handed_out_at_once(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say_many(conversation, 3)
    await bob.connect()
    await bob.open(conversation)
    await bob.send(type='read', conversation_id=conversation, seq=3)
    await bob.expect('read_sync', last_read_seq=3)
    assert bob.frames('error') == []


@scenario
async def what_a_get_answered_may_be_acked_over_the_socket(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    answer = await world.server.call('GET', f'/conversation/{conversation}', 'bob', 'phone')
    assert answer.json['messages'][-1]['seq'] == 3
    await bob.read(conversation, 3)
    assert bob.frames('error') == []
    assert await bob.messages(conversation, 3) == [1, 2, 3], 'pages never replace message frames'


@scenario
async def read_sync_goes_to_all_of_the_readers_own_devices(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('bob', 'tablet')
    await alice.say(conversation, 'hey')
    await bob.messages(conversation, 1)
    await bob.read(conversation, 1)
    assert (await tablet.expect('read_sync'))['last_read_seq'] == 1
    await tablet.fence()
    assert tablet.frames('status_update') == [], 'a status_update is for the others'


@scenario
async def many_acks_give_no_more_updates_than_moves(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 100)
    await bob.messages(conversation, 100)
    for seq in range(1, 101):
        await bob.delivered(conversation, seq)
    await alice.expect('status_update', last_delivered_seq=100)
    values = [one['last_delivered_seq'] for one in alice.frames('status_update')]
    assert values == sorted(set(values)), f'ticks never go back or repeat: {values}'
