"""accounts: the built-in accounts: registering, logging in and out, and what ends a login."""
import asyncio
import os
import pwd
import time

import websockets

from client import calls, clock
from client.scenario import scenario

PASSWORD = 'correct horse battery staple'
CHEAP = ('--password-memory', '1MiB')  # so that it takes milliseconds
LIMITLESS = (*CHEAP, '--login-tries', 0, '--address-login-tries', 0, '--register-tries', 0)


async def add(server, user, password=PASSWORD):
    code, output = await server.run('user', 'add', user, '--data', server.data,
                                    lines=password + '\n')
    assert code == 0, output


async def user(server, *arguments, lines=''):
    code, output = await server.run('user', *arguments, '--data', server.data, lines=lines)
    assert code == 0, output
    return output.strip()


async def log_in(server, name, password=PASSWORD, status=200, path='/login', **more):
    answer = await calls.call(server.address, 'POST', path,
                              json={'user_id': name, 'password': password, **more})
    assert answer.status == status, answer
    return answer


def cookie_of(answer):
    return answer.headers['set-cookie'].split(';')[0]


async def upgrade_status(server, headers):
    try:
        socket = await websockets.connect('ws://%s:%d/ws' % server.address, extra_headers=headers)
    except websockets.InvalidStatusCode as refused:
        return refused.status_code
    await socket.close()
    return 101


def own_origin(server):
    return {'Origin': 'http://%s:%d' % server.address}


@scenario
async def accounts_are_off_unless_asked_for(world):
    server = await world.serve()
    assert (await server.call('GET', '/login')).json == {'accounts': False, 'demo_users': []}
    for path in ('/login', '/register'):
        answer = await calls.call(server.address, 'POST', path,
                                  json={'user_id': 'alice', 'password': PASSWORD})
        assert (answer.status, answer.code) == (404, 'not_found'), answer


@scenario
async def who_registers_is_logged_in(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    assert (await server.call('GET', '/login')).json == {
        'accounts': True, 'register': 'open', 'demo_users': []}
    answer = await log_in(server, 'alice', status=201, path='/register', device_id='phone')
    assert set(answer.json) == {'token', 'expires_at', 'device_id'}, answer
    assert answer.json['device_id'] == 'phone'
    me = await server.call('GET', '/me', token=answer.json['token'])
    assert me.json['user_id'] == 'alice', me
    device = await world.device('alice', token=answer.json['token'])
    assert device.hello['device_id'] == 'phone', device.hello
    taken = await log_in(server, 'alice', 'another password', status=409, path='/register')
    assert taken.code == 'conflict', taken
    await log_in(server, 'alice', 'another password', status=401)
    assert (await log_in(server, 'alice')).json['device_id'] not in ('', 'phone')


@scenario
async def only_who_was_invited_registers_by_invitation(world):
    server = await world.serve('--accounts', 'invite', *LIMITLESS)
    assert (await server.call('GET', '/login')).json['register'] == 'invite'
    code = await user(server, 'invite', 'carol')
    late = await user(server, 'invite', 'dora', '--ttl', '1s')
    for name, invite in (('carol', {}), ('carol', {'invite': ''}), ('carol', {'invite': late}),
                         ('erin', {'invite': code}), ('carol', {'invite': code[:-1]}),
                         ('carol', {'invite': '9' + code})):
        answer = await log_in(server, name, status=403, path='/register', **invite)
        assert answer.code == 'permission_denied' and 'invitation' in answer.text, answer
    await log_in(server, 'carol', status=201, path='/register', invite=code)
    await log_in(server, 'carol', status=409, path='/register', invite=code)
    await clock.pass_seconds(2)
    await log_in(server, 'dora', status=403, path='/register', invite=late)
    # An invitation is no token.
    assert (await server.call('GET', '/me', token=code)).status == 401


@scenario
async def a_stranger_does_not_get_the_name_of_somebody_with_other_tokens(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await world.device('alice')
    await log_in(server, 'alice', status=409, path='/register')
    await add(server, 'alice')
    await log_in(server, 'alice')


@scenario
async def bad_registrations_say_what_is_wrong(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    good = {'user_id': 'alice', 'password': PASSWORD}
    for change, word in (({'password': 'short'}, '8 bytes'), ({'password': 'x' * 1025}, '1024'),
                         ({'password': 7}, 'password'), ({'password': None}, 'password'),
                         ({'user_id': 'a b'}, 'user_id'), ({'user_id': ''}, 'user_id'),
                         ({'device_id': 'a b'}, 'device_id'), ({'invite': 7}, 'invite')):
        answer = await calls.call(server.address, 'POST', '/register', json={**good, **change})
        assert (answer.status, answer.code) == (400, 'invalid_argument'), (change, answer)
        assert word in answer.json['error']['message'], (change, answer)
    for body in (b'', b'[]', b'{', b'{"user_id":"alice","password":"\\ud800aaaaaaaa"}'):
        answer = await calls.call(server.address, 'POST', '/register', body=body)
        assert answer.status == 400, (body, answer)
    await log_in(server, 'alice', status=401)  # nothing was made
    strange = 'pass\u0000wörd \U0001f511'
    await log_in(server, 'alice', strange, status=201, path='/register')
    await log_in(server, 'alice', strange)
    await log_in(server, 'alice', 'pass', status=401)


@scenario
async def nobody_learns_by_the_answer_whether_a_name_is_known(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    await add(server, 'gone')
    await user(server, 'disable', 'gone')
    answers = [await log_in(server, name, password, status=401) for name, password in
               (('alice', 'wrong password'), ('nobody', PASSWORD), ('gone', PASSWORD),
                ('alice', ''), ('gone', 'x'))]
    assert len({answer.body for answer in answers}) == 1, answers
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1, answers


@scenario
async def wrong_passwords_are_limited_by_account_known_or_not(world):
    server = await world.serve('--accounts', 'open', '--login-tries', 3, '--login-pause', '1h',
                               *CHEAP)
    await add(server, 'alice')
    await add(server, 'bob')
    refused = []
    for name in ('alice', 'nobody'):
        for _ in range(3):
            await log_in(server, name, 'wrong password', status=401)
        refused.append(await log_in(server, name, status=429))
        assert 0 < int(refused[-1].headers['retry-after']) <= 3600
    assert refused[0].body == refused[1].body and refused[0].code == 'rate_limited'
    for _ in range(5):
        await log_in(server, 'bob')  # good ones do not count, and others may go on


@scenario
async def logins_are_limited_by_address(world):
    server = await world.serve('--accounts', 'open', '--address-login-tries', 4,
                               '--address-login-pause', '1h', '--register-tries', 1,
                               '--register-pause', '1h', *CHEAP)
    await log_in(server, 'alice', status=201, path='/register')
    await log_in(server, 'bob', status=429, path='/register')
    for number in range(4):
        await log_in(server, f'nobody{number}', status=401)
    answer = await log_in(server, 'alice', status=429)
    assert answer.code == 'rate_limited' and int(answer.headers['retry-after']) > 0
    assert (await server.call('GET', '/me', 'alice')).status == 200


@scenario
async def the_cookie_works_for_this_servers_pages_only(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    answer = await log_in(server, 'alice')
    set_cookie = answer.headers['set-cookie']
    for part in ('Path=/', 'HttpOnly', 'SameSite=Strict', 'Max-Age='):
        assert part in set_cookie, set_cookie
    assert 'Secure' not in set_cookie  # the request came without TLS
    cookie = {'Cookie': cookie_of(answer)}
    own = {**cookie, **own_origin(server)}
    assert (await server.call('GET', '/me', headers=cookie)).json['user_id'] == 'alice'
    change = {'display_name': 'Alice'}
    assert (await server.call('PUT', '/me', json=change, headers=own)).status == 200
    for origin in ({}, {'Origin': 'null'}, {'Origin': 'http://evil.example'},
                   {'Origin': own_origin(server)['Origin'] + '.evil.example'},
                   {'Origin': own_origin(server)['Origin'].replace('http', 'ws')}):
        bad = {**cookie, **origin}
        answer = await server.call('PUT', '/me', json={'display_name': 'Eve'}, headers=bad)
        assert (answer.status, answer.code) == (403, 'permission_denied'), (origin, answer)
        assert await upgrade_status(server, bad) == 403, origin
        assert (await server.call('POST', '/logout', headers=bad)).status == 403, origin
    assert await upgrade_status(server, own) == 101
    assert (await server.call('GET', '/me', headers=cookie)).json['display_name'] == 'Alice'
    fresh = await server.call('POST', '/token', headers=own)
    assert fresh.status == 200 and cookie_of(fresh) == 'twoticks_session=' + fresh.json['token']
    out = await server.call('POST', '/logout', headers=own)
    assert out.status == 200 and cookie_of(out) == 'twoticks_session=', out
    assert 'Max-Age=0' in out.headers['set-cookie'], out.headers
    assert (await server.call('GET', '/me', headers=cookie)).status == 401


@scenario
async def the_cookie_is_for_https_where_that_is_how_it_came(world):
    server = await world.serve('--accounts', 'open', '--trusted-proxies', '127.0.0.1', *LIMITLESS)
    password = 'quotes " and \\ backslashes, \u00e4\u00f6\u00fc'
    await add(server, 'alice', password)
    for headers, secure in (({}, False), ({'X-Forwarded-Proto': 'https'}, True),
                            ({'X-Forwarded-Proto': 'http'}, False)):
        answer = await calls.call(server.address, 'POST', '/login', headers=headers, json={
            'user_id': 'alice', 'password': password})
        assert answer.status == 200, answer
        assert ('; Secure' in answer.headers['set-cookie']) == secure, (headers, answer.headers)


@scenario
async def another_sites_page_logs_nobody_in(world):
    server = await world.serve('--accounts', 'open', '--allow-origin', 'https://chat.example',
                               *LIMITLESS)
    await add(server, 'alice')
    for origin, status in (('http://evil.example', 403), ('null', 403),
                           ('https://chat.example.evil', 403), ('https://chat.example', 200),
                           (own_origin(server)['Origin'], 200)):
        answer = await calls.call(server.address, 'POST', '/login', headers={'Origin': origin},
                                  json={'user_id': 'alice', 'password': PASSWORD})
        assert answer.status == status, (origin, answer)
        assert ('set-cookie' in answer.headers) == (status == 200), (origin, answer.headers)


async def expect_out(server, token, what):
    """That no request and no upgrade is taken with this token."""
    for method, path, body in (('GET', '/me', None), ('GET', '/conversations', None),
                               ('POST', '/token', None), ('GET', '/push/vapid', None),
                               ('PUT', '/me', {'display_name': 'x'}),
                               ('GET', '/conversation/c', None), ('POST', '/logout', None),
                               ('POST', '/conversation/c/messages',
                                {'client_id': 'x', 'content': 'x'})):
        answer = await server.call(method, path, token=token, json=body)
        assert (answer.status, answer.code) == (401, 'unauthenticated'), (what, path, answer)
    bearer = {'Authorization': f'Bearer {token}'}
    assert await upgrade_status(server, bearer) == 401, what


async def cut_at_once(devices, action):
    began = time.monotonic()
    result = await action
    for device in devices:
        assert await device.closed() == 4401, device
    seconds = time.monotonic() - began
    # A busy machine may hold it up; what nobody was told would take a heartbeat.
    assert seconds < 10 * clock.patience, f'{seconds:.2f} s'
    return result


@scenario
async def logging_out_cuts_the_devices_sockets_at_once(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    phone = (await log_in(server, 'alice', device_id='phone')).json['token']
    laptop = (await log_in(server, 'alice', device_id='laptop')).json['token']
    devices = [await world.device('alice', token=token) for token in (phone, laptop)]
    out = await cut_at_once(devices[:1], server.call('POST', '/logout', token=phone))
    assert out.status == 200, out
    await expect_out(server, phone, 'logged out')
    assert (await server.call('GET', '/me', token=laptop)).status == 200
    await devices[1].fence()
    again = (await log_in(server, 'alice', device_id='phone')).json['token']
    await expect_out(server, phone, 'the old one, after a new login of the same device')
    hello = await world.absent('alice').connect(token=again)
    assert hello['resumed'] is False, hello


@scenario
async def unlinking_a_device_ends_its_login(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    phone = (await log_in(server, 'alice', device_id='phone')).json['token']
    laptop = (await log_in(server, 'alice', device_id='laptop')).json['token']
    device = await world.device('alice', token=phone)
    answer = await cut_at_once([device], server.call('DELETE', '/device/phone', token=laptop))
    assert answer.status == 200, answer
    await expect_out(server, phone, 'unlinked')


@scenario
async def a_new_password_and_switching_off_end_everything(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    tokens = [(await log_in(server, 'alice', device_id=name)).json['token']
              for name in ('phone', 'laptop', 'tablet')]
    devices = [await world.device('alice', token=token) for token in tokens]
    await user(server, 'passwd', 'alice', lines='a different one\n')
    for device in devices:
        assert await device.closed() == 4401, device
    for token in tokens:
        await expect_out(server, token, 'a new password')
    await log_in(server, 'alice', status=401)
    token = (await log_in(server, 'alice', 'a different one')).json['token']
    device = await world.device('alice', token=token)
    await user(server, 'disable', 'alice')
    assert await device.closed() == 4401
    await expect_out(server, token, 'disabled')
    await log_in(server, 'alice', 'a different one', status=401)
    await user(server, 'enable', 'alice')
    await expect_out(server, token, 'enabled again')
    await log_in(server, 'alice', 'a different one')


@scenario
async def a_new_password_takes_the_address_of_who_never_connected(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    await add(server, 'alice')
    token = (await log_in(server, 'alice', device_id='phone')).json['token']
    for device in ('phone', 'other'):
        put = await server.call('PUT', f'/device/{device}/push', token=token,
                                json={'provider': 'fcm', 'token': f'of-{device}-0123456789'})
        assert put.status == 200, put

    async def rings(token):
        answer = await server.call('POST', '/push/test', token=token)
        assert answer.status == 200, answer
        return [one['device_id'] for one in answer.json['results']]
    assert await rings(token) == ['other', 'phone']
    await user(server, 'passwd', 'alice', lines='a different one\n')
    await expect_out(server, token, 'a new password')
    token = (await log_in(server, 'alice', 'a different one', device_id='tablet')).json['token']
    assert await rings(token) == []
    await server.stop()
    await server.verify()


@scenario
async def accounts_and_logins_survive_a_crash(world):
    server = await world.serve('--accounts', 'open', *LIMITLESS)
    kept = (await log_in(server, 'alice', status=201, path='/register')).json['token']
    ended = (await log_in(server, 'alice', device_id='gone')).json['token']
    assert (await server.call('POST', '/logout', token=ended)).status == 200
    await server.restart()
    assert (await server.call('GET', '/me', token=kept)).status == 200
    await expect_out(server, ended, 'after the crash')
    await log_in(server, 'alice')
    await server.stop()
    await server.verify()
    listed = await user(server, 'list')  # without a server, too
    assert listed.startswith('alice'), listed
    await user(server, 'disable', 'alice')
    await server.start()
    await expect_out(server, kept, 'disabled while the server was off')


def states(folder):
    return {path: (status.st_uid, status.st_mode, status.st_size, status.st_mtime_ns)
            for path in [folder, *folder.rglob('*')] for status in [path.lstat()]}


@scenario
async def listing_accounts_without_a_server_changes_nothing(world):
    server = await world.serve('--accounts', 'open', *CHEAP)
    await add(server, 'alice')
    await server.kill()
    before = states(server.data)
    assert (await user(server, 'list')).startswith('alice')
    assert states(server.data) == before
    server.data = server.folder / 'nowhere'
    code, output = await server.run('user', 'list', '--data', server.data)
    assert code == 1 and 'nowhere' in output and not server.data.exists(), output


@scenario
async def a_folder_that_is_not_there_is_named_and_not_made(world):
    server = world.unstarted(*CHEAP)
    missing = server.folder / 'typo'
    for verb in (['list'], ['disable', 'alice'], ['enable', 'alice']):
        code, output = await server.run('user', *verb, '--data', missing)
        assert code == 1 and str(missing) in output and 'holds no store' in output, output
        assert not missing.exists()
    code, output = await server.run('user', 'disable', '--data', missing)
    assert code == 2 and 'USER is missing' in output, output


@scenario
async def accounts_that_root_adds_without_a_server_are_its_users(world):
    if os.geteuid() != 0:
        return
    server = world.unstarted('--accounts', 'open', '--user', 'nobody', *CHEAP)
    os.chmod(server.folder, 0o755)
    await server.start()
    await server.kill()
    await add(server, 'alice')
    await user(server, 'disable', 'alice')
    await user(server, 'enable', 'alice')
    assert (await user(server, 'list')).startswith('alice')
    await server.verify()
    nobody = pwd.getpwnam('nobody').pw_uid
    assert {state[0] for state in states(server.data).values()} == {nobody}
    await server.start()
    await log_in(server, 'alice')


@scenario
async def the_user_command_says_what_is_wrong(world):
    server = await world.serve('--accounts', 'open', *CHEAP)
    await add(server, 'alice')
    for arguments, lines, code, word in (
            (('add', 'alice'), PASSWORD, 1, 'already'), (('add', 'bob'), 'short', 1, '8 bytes'),
            (('add', 'bob'), '', 1, 'no password'), (('add', 'a b'), PASSWORD, 2, '64 bytes'),
            (('passwd', 'bob'), PASSWORD, 1, 'no account'), (('disable', 'bob'), '', 1, 'no acc'),
            (('remove', 'bob'), '', 2, 'usage'), (('list', 'bob'), '', 2, 'usage'),
            (('add',), '', 2, 'usage'), ((), '', 2, 'usage')):
        got, output = await server.run('user', *arguments, '--data', server.data, lines=lines)
        assert got == code and word in output, (arguments, got, output)
    assert (await user(server, 'list')).count('\n') == 0
    got, output = await server.run('user', 'list')
    assert got == 2 and '--data' in output, output
    assert os.stat(server.data / 'control').st_mode & 0o777 == 0o600


@scenario
async def the_demo_is_for_a_loopback_address_only(world):
    server = await world.serve('--demo')
    assert (await server.call('GET', '/login')).json['demo_users'] == ['alice', 'bob']
    answer = await server.call('POST', '/demo/login', json={'user_id': 'alice'})
    assert (await server.call('GET', '/me', token=answer.json['token'])).status == 200
    for headers in ({'Host': 'chat.example'}, {'Host': '127.0.0.1.evil.example'},
                    {'Origin': 'http://evil.example'}):
        body = b'{"user_id":"alice"}'
        lines = {'Host': '127.0.0.1', **headers, 'Content-Length': len(body),
                 'Connection': 'close'}
        request = 'POST /demo/login HTTP/1.1\r\n' + ''.join(
            f'{name}: {value}\r\n' for name, value in lines.items()) + '\r\n'
        answer = await calls.raw(server.address, request.encode() + body)
        assert answer.status == 404, (headers, answer)
    mallory = await server.call('POST', '/demo/login', json={'user_id': 'mallory'})
    assert mallory.status == 400, mallory
    for listen in ('0.0.0.0:0', '[::]:0', '192.0.2.1:0'):
        code, output = await server.run('serve', '--data', server.folder / 'other', '--demo',
                                        '--listen', listen)
        assert code == 2 and 'loopback' in output, (listen, code, output)
