"""own_settings: a user's settings and devices."""
import asyncio

from client import clock
from client.scenario import scenario


@scenario
async def me_starts_with_the_defaults(world):
    await world.serve()
    me = await world.server.get('/me', 'alice')
    assert me['user_id'] == 'alice' and me['share_last_seen'] == 'everyone', me
    assert me['push_preview'] is True, me


@scenario
async def put_me_changes_what_it_names_and_keeps_the_rest(world):
    await world.serve()
    for change in ({'display_name': 'Alice ❤'}, {'share_last_seen': 'nobody'},
                   {'push_preview': False}):
        answer = await world.server.call('PUT', '/me', 'alice', json=change)
        assert answer.status == 200, answer
    for _ in range(2):
        me = await world.server.get('/me', 'alice')
        assert (me['display_name'], me['share_last_seen'], me['push_preview']) == \
            ('Alice ❤', 'nobody', False), me
        await world.server.restart()


@scenario
async def put_me_refuses_what_it_does_not_know(world):
    await world.serve()
    for body in ({'share_last_seen': 'friends'}, {'share_last_seen': 7}, {'push_preview': 'no'},
                 {'display_name': 7}, {'display_name': 'x' * 10000}):
        answer = await world.server.call('PUT', '/me', 'alice', json=body)
        assert answer.status in (400, 413), (body, answer)


@scenario
async def a_conversation_can_be_muted_until_a_time(world):
    conversation, _, _ = await world.talk()
    path = f'/conversation/{conversation}/settings'
    until = '2030-01-15T09:42:00.000Z'
    answer = await world.server.call('PUT', path, 'alice', json={'muted_until': until})
    assert answer.status == 200 and answer.json['muted_until'] == until, answer
    answer = await world.server.call('PUT', path, 'alice', json={'muted_until': None})
    assert answer.status == 200, answer
    for bad in ('tomorrow', 7, '2030-13-01T00:00:00.000Z'):
        answer = await world.server.call('PUT', path, 'alice', json={'muted_until': bad})
        assert answer.status == 400, (bad, answer)


@scenario
async def devices_lists_the_callers_linked_ones(world):
    await world.serve()
    await world.device('alice', 'phone')
    await world.device('alice', 'tablet')
    await world.device('bob', 'laptop')
    devices = (await world.server.get('/devices', 'alice'))['devices']
    assert {one['device_id'] for one in devices} == {'phone', 'tablet'}, devices


@scenario
async def unlinking_a_device_cuts_its_socket(world):
    await world.serve()
    phone = await world.device('alice', 'phone')
    tablet = await world.device('alice', 'tablet')
    answer = await world.server.call('DELETE', '/device/tablet', 'alice', 'phone')
    assert answer.status in (200, 204), answer
    await tablet.closed()
    await phone.fence()
    devices = (await world.server.get('/devices', 'alice', 'phone'))['devices']
    assert {one['device_id'] for one in devices} == {'phone'}, devices
    answer = await world.server.call('DELETE', '/device/tablet', 'alice', 'phone')
    assert answer.status == 404, answer


@scenario
async def a_device_that_is_unlinked_while_it_connects_is_cut_too(world):
    await world.serve()
    server = world.server
    token = await server.token('alice', 'tablet')
    for turn in range(100):
        tablet = world.absent('alice', 'tablet')
        connecting = asyncio.ensure_future(tablet.connect(token=token))
        for _ in range(turn % 10):
            await asyncio.sleep(0)
        await asyncio.gather(*(server.call('DELETE', '/device/tablet', 'alice') for _ in range(4)))
        try:
            await connecting
            await tablet.expect('caught_up')
        except AssertionError:
            assert tablet.socket is not None, 'it could not connect'
            # Else it was cut already.
        devices = (await server.get('/devices', 'alice'))['devices']
        if not devices:
            assert await tablet.closed() == 4401
        await tablet.close()
        await server.call('DELETE', '/device/tablet', 'alice')


@scenario
async def somebody_elses_device_is_not_there(world):
    await world.serve()
    phone = await world.device('alice', 'phone')
    answer = await world.server.call('DELETE', '/device/phone', 'bob', 'laptop')
    assert answer.status == 404, answer
    await phone.fence()


@scenario
async def an_unlinked_device_keeps_no_message_pending(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('bob', 'tablet')
    await tablet.close()
    await alice.say(conversation, 'hey')
    await bob.messages(conversation, 1)
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    assert (await world.server.call('DELETE', '/device/tablet', 'bob')).status in (200, 204)
    await world.server.stop()
    await world.server.verify()


@scenario
async def the_17th_device_is_a_conflict_that_names_the_others(world):
    await world.serve()
    for number in range(16):
        await (await world.device('alice', f'device-{number}')).close()
    token = await world.server.token('alice', 'device-16')
    answer = await world.server.call('GET', '/ws', token=token, headers={
        'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=='})
    assert answer.status == 409 and answer.code == 'conflict', answer
    assert all(f'device-{number}' in answer.text for number in range(16)), answer
    assert (await world.server.call('DELETE', '/device/device-3', 'alice')).status in (200, 204)
    await world.device('alice', 'device-16')


@scenario
async def a_device_that_was_silent_for_too_long_starts_anew(world):
    await world.serve('--device-retention', '1s')
    phone = await world.device('alice', 'phone')
    await phone.reconnect()
    assert phone.hello['resumed'] is True
    await phone.close()
    await clock.pass_seconds(1.5)
    await phone.connect()
    assert phone.hello['resumed'] is False
