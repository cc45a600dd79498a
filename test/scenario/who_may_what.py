"""who_may_what: every request and every frame, by everybody who may and who may not."""
import json
import time

import websockets

from client import calls
from client.scenario import scenario

PASSWORD = 'correct horse battery staple'
PUSH = {'provider': 'fcm', 'token': 'x' * 40}


def requests(conversation):
    """(method, path, body, what a member gets, whether it is about the conversation)"""
    c = f'/conversation/{conversation}'
    message = {'client_id': 'w1', 'content': 'hello'}
    return [
        ('GET', c, None, 200, True), ('GET', c + '?before=2', None, 200, True),
        ('GET', c + '?after=0&limit=1', None, 200, True), ('GET', c + '?open=0', None, 200, True),
        ('POST', c + '/messages', message, (200, 201), True),
        ('GET', c + '/messages/1/info', None, 200, True),
        ('GET', c + '/messages/1/why', None, 200, True),
        ('GET', c + '/timeline', None, 200, True),
        ('PUT', c + '/settings', {'muted_until': None}, 200, True),
        ('GET', '/conversations', None, 200, False),
        ('POST', '/conversation', {'kind': 'group', 'members': ['%s', 'zoe']}, (200, 201), False),
        ('GET', '/me', None, 200, False), ('PUT', '/me', {'push_preview': True}, 200, False),
        ('GET', '/devices', None, 200, False),
        ('PUT', '/device/nowhere/push', PUSH, 200, False),
        ('DELETE', '/device/nowhere/push', None, 200, False),
        ('POST', '/push/test', None, 200, False), ('GET', '/push/vapid', None, 200, False),
        ('POST', '/token', None, 200, False),
        ('DELETE', '/device/nowhere', None, 404, False),
        ('POST', '/logout', None, 200, False),
    ]


async def ask(server, request, user, token):
    method, path, body, _, _ = request
    if body is not None and 'members' in body:
        body = {**body, 'members': [user, 'zoe']}
    return await calls.call(server.address, method, path, token, json=body)


async def a_token_that_ended(server):
    """Of alice's device `gone`, which has logged out; good in every other respect."""
    code, output = await server.run('user', 'add', 'alice', '--data', server.data,
                                    lines=PASSWORD + '\n')
    assert code == 0, output
    login = await calls.call(server.address, 'POST', '/login', json={
        'user_id': 'alice', 'password': PASSWORD, 'device_id': 'gone'})
    token = login.json['token']
    assert (await server.call('GET', '/me', token=token)).status == 200
    assert (await server.call('POST', '/logout', token=token)).status == 200
    return token


async def tokens_of_strangers(server):
    """Who is nobody here, by (name, token)."""
    expired = server.sign({**server.claims('alice', device='phone'), 'exp': int(time.time()) - 10})
    forged = (await server.token('alice', 'phone'))[:-4] + 'AAAA'
    return [('anonymous', None), ('expired token', expired), ('forged token', forged),
            ('revoked device', await a_token_that_ended(server))]


async def begin(world):
    server = await world.serve('--accounts', 'open', '--password-memory', '1MiB',
                               '--frames-per-second', 0, '--sends-per-second', 0)
    await world.conversation('alice', 'bob', conversation_id='theirs_1')
    await server.call('POST', '/conversation/theirs_1/messages', 'alice', 'phone',
                      json={'client_id': 'first', 'content': 'hello'})
    return server


@scenario
async def every_request_is_answered_by_who_asks(world):
    server = await begin(world)
    members = [('member', 'alice', 'phone'), ('other device', 'alice', 'laptop'),
               ('other member', 'bob', 'phone')]
    for request in requests('theirs_1'):
        method, path, _, wanted, about = request
        for name, user, device in members:
            answer = await ask(server, request, user, await server.token(user, device))
            wants = wanted if isinstance(wanted, tuple) else (wanted,)
            assert answer.status in wants, (name, method, path, answer)
        answer = await ask(server, request, 'mallory', await server.token('mallory', 'phone'))
        missing = request[:1] + (path.replace('theirs_1', 'missing1'),) + request[2:]
        not_there = await ask(server, missing, 'mallory', await server.token('mallory', 'phone'))
        if about:
            assert (answer.status, answer.code) == (404, 'not_found'), (method, path, answer)
            assert (answer.body, answer.headers) == (not_there.body, not_there.headers), path
            member = await ask(server, missing, 'alice', await server.token('alice', 'phone'))
            assert (member.status, member.body) == (404, not_there.body), (method, path, member)
        else:
            assert answer.status in wants, (method, path, answer)


@scenario
async def every_request_of_nobody_is_401(world):
    server = await begin(world)
    for name, token in await tokens_of_strangers(server):
        bodies = set()
        for request in requests('theirs_1') + requests('missing1'):
            answer = await ask(server, request, 'alice', token)
            assert (answer.status, answer.code) == (401, 'unauthenticated'), (name, request, answer)
            assert answer.headers['www-authenticate'] == 'Bearer', (name, request, answer.headers)
            bodies.add(answer.body)
        assert len(bodies) == 1, (name, bodies)
        headers = {'Authorization': f'Bearer {token}'} if token else {}
        try:
            await websockets.connect('ws://%s:%d/ws' % server.address, extra_headers=headers)
            raise AssertionError(f'{name} was let in')
        except websockets.InvalidStatusCode as refused:
            assert refused.status_code == 401, (name, refused)
    snapshot = await server.get('/conversation/theirs_1', 'alice', 'phone')
    assert snapshot['head_seq'] == 1, snapshot  # nothing of all that was done


@scenario
async def others_things_are_out_of_reach(world):
    """Paths name things of the caller only: the same name under another user is another thing."""
    server = await begin(world)
    phone = await world.device('alice', 'phone')
    for method, path, status in (('DELETE', '/device/phone', 404),
                                 ('DELETE', '/device/phone/push', 200)):
        answer = await server.call(method, path, 'mallory', 'laptop')
        assert answer.status == status, (path, answer)
    await phone.fence()
    assert [one['device_id'] for one in
            (await server.get('/devices', 'alice', 'phone'))['devices']] == ['phone']
    made = await server.call('POST', '/conversation', 'mallory', json={
        'kind': 'direct', 'members': ['alice', 'bob']})
    assert made.status == 400, made  # not without being in it
    taken = await server.call('POST', '/conversation', 'mallory', json={
        'kind': 'group', 'members': ['mallory', 'zoe'], 'conversation_id': 'theirs_1'})
    assert taken.status == 409 and b'alice' not in taken.body, taken


@scenario
async def every_frame_of_a_stranger_is_answered_as_if_nothing_were_there(world):
    server = await begin(world)
    alice, bob = await world.device('alice'), await world.device('bob')
    await alice.open('theirs_1')
    mallory = await world.device('mallory')

    async def answers(conversation):
        before = len(mallory.log)
        for frame in ({'type': 'send', 'client_id': 'm1', 'content': 'hi'},
                      {'type': 'send', 'client_id': 'first', 'content': 'hi'},
                      {'type': 'delivered', 'seq': 1}, {'type': 'read', 'seq': 1},
                      {'type': 'delivered', 'seq': 2 ** 53 - 1},
                      {'type': 'open'}, {'type': 'typing'}, {'type': 'close'}):
            await mallory.send(conversation_id=conversation, **frame)
        for _ in range(7):  # a close is never answered
            await mallory.expect('error')
        await mallory.fence()
        return sorted(json.dumps(frame, sort_keys=True).replace(conversation, '*')
                      for frame in mallory.log[before:] if frame['type'] != 'pong')

    first = await answers('theirs_1')
    assert first == await answers('missing1') == await answers('theirs_1'), first
    assert all('"not_found"' in answer for answer in first), first
    assert len(first) == 7, first
    await bob.fence()
    await alice.fence()
    for device in (alice, bob):
        seen = [frame for frame in device.log if 'mallory' in json.dumps(frame)]
        assert not seen, seen
    for device in ('alice', 'bob'):
        snapshot = await server.get('/conversation/theirs_1?open=0', device, 'phone')
        assert (snapshot['head_seq'], snapshot['last_read_seq']) == (1, 0) or device == 'bob'
    # What then happens there does not reach him.
    before = len(mallory.log)
    await alice.say('theirs_1', 'a secret')
    await alice.send(type='typing', conversation_id='theirs_1')
    await bob.messages('theirs_1', 2)
    await mallory.fence()
    assert [frame['type'] for frame in mallory.log[before:]] == ['pong'], mallory.log[before:]


@scenario
async def a_socket_takes_fresh_tokens_of_its_own_device_only(world):
    server = await begin(world)
    alice = await world.device('alice', 'phone')
    expired = server.sign({**server.claims('alice', device='phone'), 'exp': int(time.time()) - 10})
    for token, code in ((await server.token('mallory', 'phone'), 'permission_denied'),
                        (await server.token('alice', 'laptop'), 'permission_denied'),
                        (expired, 'unauthenticated'), ('x', 'unauthenticated'),
                        (await a_token_that_ended(server), 'permission_denied')):
        await alice.send(type='token', token=token)
        assert (await alice.expect('error'))['code'] == code, (code, token)
    await alice.send(type='token', token=await server.token('alice', 'phone', '2h'))
    await alice.fence()
    assert not alice.frames('error')[5:], alice.frames('error')


@scenario
async def who_does_not_share_is_seen_nowhere_and_sees_nobody(world):
    """Snapshot, list, presence, timeline and why, from both sides, before and after the choice."""
    server = await world.serve('--push-delay', '50ms')
    await world.conversation('alice', 'bob', conversation_id='c')
    alice = await world.device('alice')
    bob = await world.device('bob')
    await alice.open('c')
    answer = await server.call('PUT', '/me', 'bob', 'phone', json={'share_last_seen': 'nobody'})
    assert answer.status == 200, answer
    hidden = {'online': False, 'last_seen': None}
    told = await alice.expect('presence', user_id='bob')
    assert told['bob_status'] == hidden, told
    before = len(alice.log)
    await bob.close()
    bob = await world.device('bob')
    await bob.close()
    await alice.say('c', 'are you there?')
    answer = await server.call('POST', '/conversation/c/messages', 'bob', 'phone',
                               json={'client_id': 'b1', 'content': 'no'})
    assert answer.json['seq'] == 2, answer

    async def expect_hidden(viewer, other):
        status = f'{other}_status'
        for path in ('/conversation/c', '/conversation/c?open=0'):
            snapshot = await server.get(path, viewer, 'phone')
            assert snapshot[status] == hidden, (viewer, snapshot)
            assert [one['status'] for one in snapshot['members']] == [hidden], snapshot
        listed = await server.get('/conversations', viewer, 'phone')
        assert listed['conversations'][0][status] == hidden, listed
        seq = 1 if other == 'bob' else 2  # what the other one is to receive
        why = await server.get(f'/conversation/c/messages/{seq}/why', viewer, 'phone')
        assert [one['offline_since'] for one in why['members']] == [None], why
        assert 'ended' not in why['text'] and 'UTC' not in why['text'], why
        events = (await server.get('/conversation/c/timeline', viewer, 'phone'))['events']
        seen = [one for one in events if one['event'] in ('connected', 'disconnected')]
        assert all(one['user_id'] == viewer for one in seen), seen

    await expect_hidden('alice', 'bob')
    await alice.fence()
    pushed = [frame for frame in alice.log[before:] if frame['type'] == 'presence']
    assert all(frame['bob_status'] == hidden for frame in pushed), pushed
    await alice.send(type='open', conversation_id='c')
    opened = await alice.expect('conversation')
    assert opened['bob_status'] == hidden, opened
    await alice.close()
    await expect_hidden('bob', 'alice')  # who hides is shown nobody either
    answer = await server.call('PUT', '/me', 'bob', 'phone', json={'share_last_seen': 'everyone'})
    assert answer.status == 200
    snapshot = await server.get('/conversation/c', 'alice', 'phone')
    assert snapshot['bob_status']['last_seen'], snapshot
