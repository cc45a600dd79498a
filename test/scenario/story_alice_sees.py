"""story_alice_sees: the second source document: last seen rides on the chat-open."""
import re

from client import clock
from client.scenario import scenario

TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
CONV = 'conv_abc123'


@scenario
async def one_get_gives_messages_and_bob_status(world):
    conversation, alice, bob = await world.talk()
    for text in ('hey', 'where are you?'):
        await alice.say(conversation, text)
    await bob.messages(conversation, 2)
    await bob.delivered(conversation, 2)
    await alice.expect('status_update', last_delivered_seq=2)
    await bob.close()

    async def bob_is_gone():
        chat = await world.server.get(f'/conversation/{conversation}?open=0', 'alice')
        return not chat['bob_status']['online']
    await clock.until(4, bob_is_gone, 'bob is shown as offline')
    answer = await world.server.call('GET', f'/conversation/{conversation}', 'alice', 'phone')
    assert answer.headers['cache-control'] == 'no-store', answer.headers
    chat = answer.json
    assert chat['conversation_id'] == CONV and chat['head_seq'] == 2
    assert [(one['seq'], one['content'], one['sender']) for one in chat['messages']] == \
        [(1, 'hey', 'alice'), (2, 'where are you?', 'alice')], chat
    assert all(TIME.match(one['timestamp']) for one in chat['messages'])
    assert chat['bob_status']['online'] is False
    assert TIME.match(chat['bob_status']['last_seen'])
    assert (chat['last_delivered_seq'], chat['last_read_seq']) == (2, 0)
    assert chat['my_last_read_seq'] == 2, 'what I write directly after my cursor I have read'
    assert chat['has_more_before'] is False and chat['has_more_after'] is False
    assert [one['user_id'] for one in chat['members']] == ['bob']
    assert chat['members'][0]['last_delivered_seq'] == 2


@scenario
async def online_is_told_without_last_seen(world):
    conversation, alice, bob = await world.talk()
    status = (await world.server.get(f'/conversation/{conversation}', 'alice'))['bob_status']
    assert status == {'online': True}, status


@scenario
async def who_was_never_seen_has_a_null_last_seen(world):
    await world.serve()
    conversation = await world.conversation('alice', 'bob')
    chat = await world.server.get(f'/conversation/{conversation}', 'alice')
    assert chat['bob_status'] == {'online': False, 'last_seen': None}, chat


@scenario
async def presence_goes_to_the_device_with_the_chat_open_and_to_no_other(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('alice', 'tablet')
    carol = await world.device('carol')
    other = await world.conversation('carol', 'alice')
    await carol.open(other)
    await bob.close()
    await alice.open(conversation)

    await bob.connect()
    online = await alice.expect('presence', bob_status={'online': True})
    assert online['conversation_id'] == conversation and online['user_id'] == 'bob'
    await bob.close()
    offline = await alice.expect('presence')
    assert offline['bob_status']['online'] is False
    assert TIME.match(offline['bob_status']['last_seen']), offline
    await tablet.fence()
    await carol.fence()
    assert tablet.frames('presence') == [] and \
        [one for one in carol.frames('presence') if 'bob_status' in one] == []


@scenario
async def a_get_marks_the_chat_as_open_on_the_callers_device(world):
    conversation, alice, bob = await world.talk()
    await bob.close()
    await world.server.get(f'/conversation/{conversation}', 'alice')
    answer = await world.server.call('GET', f'/conversation/{conversation}', 'alice', 'phone')
    assert answer.status == 200
    await alice.fence()
    await bob.connect()
    await alice.expect('presence', bob_status={'online': True})


@scenario
async def a_page_or_open_0_does_not_mark_it_as_open(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    await bob.close()
    for query in ('?open=0', '?before=2', '?after=1'):
        answer = await world.server.call('GET', f'/conversation/{conversation}{query}', 'alice',
                                         'phone')
        assert answer.status == 200, answer
    await bob.connect()
    await bob.messages(conversation, 1)
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    assert alice.frames('presence') == []


@scenario
async def closing_the_chat_ends_presence(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    await alice.open(conversation)
    await alice.send(type='close', conversation_id=conversation)
    await alice.fence()
    before = len(alice.frames('presence'))
    await bob.reconnect()
    await bob.messages(conversation, 1)
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    assert len(alice.frames('presence')) == before


@scenario
async def opening_another_chat_closes_the_first(world):
    conversation, alice, bob = await world.talk()
    other = await world.conversation('alice', 'carol')
    await bob.close()
    await alice.open(conversation)
    await alice.open(other)
    await alice.fence()
    before = len([one for one in alice.frames('presence') if one['user_id'] == 'bob'])
    await bob.connect()
    await world.device('carol')
    await alice.expect('presence', carol_status={'online': True})
    assert len([one for one in alice.frames('presence') if one['user_id'] == 'bob']) == before


@scenario
async def a_quick_reconnect_is_not_told(world):
    conversation, alice, bob = await world.talk()
    await alice.open(conversation)
    await bob.reconnect()
    await bob.caught_up()
    await bob.say(conversation, 'back')
    await alice.messages(conversation, 1)
    assert [one for one in alice.frames('presence')
            if not one['bob_status']['online']] == []


@scenario
async def last_seen_survives_a_kill_of_the_server(world):
    conversation, alice, bob = await world.talk()
    await bob.say(conversation, 'here')
    await world.server.kill()
    await world.server.start()
    status = (await world.server.get(f'/conversation/{conversation}', 'alice'))['bob_status']
    assert status['online'] is False and TIME.match(status['last_seen'] or ''), status


@scenario
async def who_does_not_share_last_seen_is_shown_none_either(world):
    conversation, alice, bob = await world.talk()
    answer = await world.server.call('PUT', '/me', 'bob', json={'share_last_seen': 'nobody'})
    assert answer.status == 200, answer
    await bob.close()
    await alice.open(conversation)
    await alice.close()
    for caller, key in (('alice', 'bob_status'), ('bob', 'alice_status')):
        chat = await world.server.get(f'/conversation/{conversation}?open=0', caller)
        assert chat[key]['last_seen'] is None, (caller, chat[key])


@scenario
async def what_a_caller_may_not_see_does_not_change_what_others_see(world):
    await world.serve()
    await world.device('bob')
    watchers = []
    for number in range(4):
        watcher = await world.device(f'carol-{number}')
        conversation = await world.conversation(f'carol-{number}', 'bob')
        assert (await watcher.open(conversation))['bob_status'] == {'online': True}
        watchers.append(watcher)
    conversation = await world.conversation('alice', 'bob')
    devices = [await world.device('alice', f'device-{number}') for number in range(4)]
    await world.server.call('PUT', '/me', 'alice', json={'share_last_seen': 'nobody'})
    for device in devices * 3:
        answer = await world.server.call('GET', f'/conversation/{conversation}', 'alice',
                                         device.device)
        assert answer.json['bob_status'] == {'online': False, 'last_seen': None}, answer
    for watcher in watchers:
        await watcher.fence()
        assert watcher.frames('presence') == [], watcher.frames('presence')
    for device in devices:
        assert device.frames('presence') == [], device.frames('presence')


@scenario
async def open_over_the_socket_answers_with_the_snapshots_keys(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    over_http = await world.server.get(f'/conversation/{conversation}', 'alice')
    over_socket = dict(await alice.open(conversation))
    assert over_socket.pop('type') == 'conversation'
    assert over_socket == over_http, (over_socket, over_http)
