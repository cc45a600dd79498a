"""history: who got it when, why it has only one tick, and what happened."""
import re

from client.scenario import scenario

TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')


async def about(world, what, seq=1, caller='alice', status=200):
    return await world.server.get(f'/conversation/conv_abc123/messages/{seq}/{what}', caller,
                                  status=status)


@scenario
async def info_says_when_each_member_got_and_read_it(world):
    conversation, alice, bob = await world.talk()
    sent = await alice.say(conversation, 'hey')
    info = await about(world, 'info')
    assert (info['conversation_id'], info['seq'], info['sender']) == (conversation, 1, 'alice')
    assert info['timestamp'] == sent['timestamp']
    assert info['members'] == [{'user_id': 'bob', 'delivered_at': None, 'read_at': None}], info
    await bob.messages(conversation, 1)
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    member = (await about(world, 'info'))['members'][0]
    assert TIME.match(member['delivered_at']) and member['read_at'] is None, member
    await bob.read(conversation, 1)
    await alice.expect('status_update', last_read_seq=1)
    member = (await about(world, 'info'))['members'][0]
    assert sent['timestamp'] <= member['delivered_at'] <= member['read_at'], member


@scenario
async def info_of_a_message_that_is_not_there_is_not_found(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    for what in ('info', 'why'):
        await about(world, what, seq=2, status=404)
        for seq in ('0', 'x', '-1'):
            answer = await world.server.call(
                'GET', f'/conversation/{conversation}/messages/{seq}/{what}', 'alice')
            assert answer.status in (400, 404), (seq, answer)


@scenario
async def why_says_what_a_tick_waits_for(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await alice.say(conversation, 'hey')
    why = await about(world, 'why')
    assert why['seq'] == 1 and why['tick'] == 'one' and why['text'], why
    member = why['members'][0]
    assert set(member) >= {'user_id', 'delivered_at', 'read_at', 'waiting_for', 'offline_since',
                           'push'}, member
    assert member['waiting_for'] == 'connection' and TIME.match(member['offline_since']), member
    await bob.connect()
    await bob.messages(conversation, 1)
    why = await about(world, 'why')
    assert why['members'][0]['waiting_for'] == 'delivered_ack', why
    assert why['members'][0]['offline_since'] is None
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    why = await about(world, 'why')
    assert (why['tick'], why['members'][0]['waiting_for']) == ('two', 'read_ack'), why
    await bob.read(conversation, 1)
    await alice.expect('status_update', last_read_seq=1)
    why = await about(world, 'why')
    assert (why['tick'], why['members'][0]['waiting_for']) == ('blue', None), why


@scenario
async def the_timeline_tells_what_happened_in_order(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    await bob.reconnect()
    await bob.messages(conversation, 3)
    await bob.delivered(conversation, 3)
    await alice.expect('status_update', last_delivered_seq=3)
    await bob.read(conversation, 3)
    await alice.expect('status_update', last_read_seq=3)
    timeline = await world.server.get(f'/conversation/{conversation}/timeline', 'alice')
    events = timeline['events']
    told = [(one['event'], one['user_id'], one.get('seq'), one.get('from_seq'),
             one.get('to_seq')) for one in events
            if one['event'] in ('stored', 'delivered', 'read') and
            (one['event'] == 'stored' or one['user_id'] == 'bob')]
    assert told[:3] == [('stored', 'alice', seq, None, None) for seq in (1, 2, 3)], told
    assert told[3] == ('delivered', 'bob', None, 1, 3), told
    assert told[4] == ('read', 'bob', None, 1, 3), told
    assert all(TIME.match(one['at']) for one in events)
    assert [one['at'] for one in events] == sorted(one['at'] for one in events)
    assert any(one['event'] == 'connected' and one['user_id'] == 'bob' for one in events), events
    assert not any('device_id' in one for one in events if one['user_id'] == 'bob'), \
        'other people\'s devices are their own business'


@scenario
async def the_timeline_can_be_cut_to_a_span(world):
    conversation, alice, bob = await world.talk()
    first = await alice.say(conversation, 'one')
    second = await alice.say(conversation, 'two')
    events = (await world.server.get(
        f'/conversation/{conversation}/timeline?from=2&to=2', 'alice'))['events']
    stored = [one['seq'] for one in events if one['event'] == 'stored']
    assert stored == [2], (first, second, events)
    for backwards in ('from=2&to=1', 'from=2024-01-15T09:42:00Z&to=2024-01-15T09:41:00Z'):
        error = (await world.server.get(
            f'/conversation/{conversation}/timeline?{backwards}', 'alice', status=400))['error']
        assert 'from' in error['message'], error


@scenario
async def what_is_wrong_with_a_cursor_or_a_deep_body_is_said(world):
    server = await world.serve()
    for cursor in ('zzz', 'a/b'):
        error = (await server.get(f'/conversations?cursor={cursor}', 'alice', status=400))['error']
        assert 'cursor' in error['message'], error
    answer = await server.call('PUT', '/me', 'alice',
                               body=b'{"display_name":' + b'[' * 400 + b']' * 400 + b'}')
    assert answer.status == 400 and 'nested' in answer.json['error']['message'], answer


@scenario
async def other_peoples_coming_and_going_is_shown_only_to_whom_it_may_be(world):
    conversation, alice, bob = await world.talk()
    await world.server.call('PUT', '/me', 'bob', json={'share_last_seen': 'nobody'})
    await bob.close()
    await alice.say(conversation, 'hey')
    events = (await world.server.get(f'/conversation/{conversation}/timeline', 'alice'))['events']
    assert not [one for one in events if one['user_id'] == 'bob' and
                one['event'] in ('connected', 'disconnected')], events
    why = await about(world, 'why')
    assert why['members'][0]['offline_since'] is None, why


@scenario
async def the_steps_of_a_cursor_survive_a_kill(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 3)
    await bob.messages(conversation, 3)
    await bob.delivered(conversation, 2)
    await alice.expect('status_update', last_delivered_seq=2)
    before = [await about(world, 'info', seq) for seq in (1, 2, 3)]
    await world.server.restart()
    assert [await about(world, 'info', seq) for seq in (1, 2, 3)] == before
    assert before[2]['members'][0]['delivered_at'] is None
