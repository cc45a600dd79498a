"""hygiene: what must never leave: tokens, passwords and contents in logs, files and errors."""
import asyncio

import websockets

from client import calls
from client.scenario import scenario

PASSWORD = 'canary-password-7f3a'
CONTENT = 'canary-content-91bc'
NAME = 'canary-name-55aa'


async def do_everything(world, server):
    """Good and bad requests with a token, a password and a content that can be found again."""
    registered = await calls.call(server.address, 'POST', '/register', json={
        'user_id': 'alice', 'password': PASSWORD})
    token = registered.json['token']
    for user, password in (('alice', PASSWORD), ('alice', PASSWORD + 'x'), ('nobody', PASSWORD)):
        await calls.call(server.address, 'POST', '/login', json={
            'user_id': user, 'password': password})
    await calls.call(server.address, 'POST', '/login', body=PASSWORD.encode())
    await calls.call(server.address, 'POST', '/register', json={'user_id': 'b b',
                                                               'password': PASSWORD})
    for forged in (token[:-3] + 'abc', token + '.x', 'x' + token):
        await server.call('GET', '/me', token=forged)
    await server.call('GET', f'/me?token={token}', token=token)
    await server.call('GET', f'/conversation/{CONTENT}?access_token={token}')
    await server.call('PUT', '/me', token=token, json={'display_name': NAME})
    conversation = (await server.call('POST', '/conversation', token=token, json={
        'kind': 'direct', 'members': ['alice', 'bob'], 'title': NAME})).json['conversation_id']
    path = f'/conversation/{conversation}/messages'
    for client_id, content in (('c1', CONTENT), ('c1', CONTENT), ('c 2', CONTENT), ('c3', 7)):
        await server.call('POST', path, token=token, json={'client_id': client_id,
                                                           'content': content})
    device = await world.device('alice', token=token)
    await device.send(type='send', client_id='w1', conversation_id=conversation, content=CONTENT)
    await device.send(type='send', client_id='w2', conversation_id='nowhere', content=CONTENT)
    await device.send(type='token', token=token + 'x')
    await device.fence()
    await device.send_text('{"type":"send","content":"' + CONTENT)
    await device.closed()
    try:
        await websockets.connect('ws://%s:%d/ws' % server.address,
                                 subprotocols=['twoticks.v1', f'bearer.{token}x'])
    except websockets.InvalidStatusCode:
        pass
    return token


@scenario
async def no_token_password_or_content_is_ever_logged(world):
    for form in ('text', 'json'):
        server = await world.serve('--accounts', 'open', '--password-memory', '1MiB',
                                   '--log-level', 'debug', '--log-format', form)
        token = await do_everything(world, server)
        code, listed = await server.run('user', 'list', '--data', server.data)
        assert code == 0 and PASSWORD not in listed
        metrics = await calls.call(server.admin, 'GET', '/metrics')
        await server.stop()
        log = server.output
        assert 'path=/login' in log or '"path":"/login"' in log, log[-2000:]
        for canary in (PASSWORD, NAME, token, token.split('.')[1], token.split('.')[2],
                       server.secret().decode()):
            assert canary not in log and canary not in metrics.text, (form, canary)
        # A conversation's name stands in paths; contents never do.
        assert log.count(CONTENT) == log.count(f'/conversation/{CONTENT}'), log[-2000:]
        for file in server.data.rglob('*'):
            if file.is_file():
                assert PASSWORD.encode() not in file.read_bytes(), file
        world.server = None


@scenario
async def what_clients_send_does_not_look_like_a_line_of_the_log(world):
    for form in ('text', 'json'):
        server = await world.serve('--log-level', 'debug', '--log-format', form)
        for path in (b'/me%0aat=2026 level=error event=forged', b'/me"\\event="forged"',
                     b'/x\x1b[31mred', b'/x\xe2\x80\xaeforged', b'/x\xff\xfe', b'/' + b'a' * 5000,
                     b'/x\tlevel=error', b'/me event=forged'):
            request = b'GET ' + path + b' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
            try:
                await calls.raw(server.address, request)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
        await server.stop()
        for line in server.output.splitlines():
            assert '\x1b' not in line and '\u202e' not in line and len(line) < 2000, repr(line)
            assert not line.startswith('at=2026 '), line
            assert 'level=error' not in line.split('path')[0], line
        world.server = None
