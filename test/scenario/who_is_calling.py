"""who_is_calling: tokens: which are taken, which are not, and what happens when one ends."""
import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import time

import websockets

from client import clock
from client.scenario import scenario
from client.server import base64url, jwt


async def upgrade_status(world, token):
    """The HTTP status that a WebSocket upgrade with this token gets."""
    device = world.absent('alice')
    try:
        if token is None:
            await device.connect(bearer=False)
        else:
            await device.connect(token=token)
    except websockets.InvalidStatusCode as refused:
        return refused.status_code
    await device.close()
    return 101


async def expect_refused(world, token, what):
    answer = await world.server.call('GET', '/me', token=token)
    assert answer.status == 401 and answer.code == 'unauthenticated', (what, answer)
    assert answer.json['error']['message']
    assert await upgrade_status(world, token) == 401, what


async def expect_taken(world, token, what):
    answer = await world.server.call('GET', '/me', token=token)
    assert answer.status == 200, (what, answer)
    assert await upgrade_status(world, token) == 101, what


@scenario
async def every_request_and_upgrade_needs_a_token(world):
    await world.serve()
    for method, path in (('GET', '/conversation/x'), ('GET', '/conversations'),
                         ('POST', '/conversation'), ('POST', '/conversation/x/messages'),
                         ('GET', '/me'), ('PUT', '/me'), ('GET', '/devices'),
                         ('DELETE', '/device/x'), ('POST', '/token'),
                         ('PUT', '/conversation/x/settings'),
                         ('GET', '/conversation/x/messages/1/info'),
                         ('GET', '/conversation/x/messages/1/why'),
                         ('GET', '/conversation/x/timeline')):
        answer = await world.server.call(method, path,
                                         json={} if method in ('POST', 'PUT') else None)
        assert answer.status == 401 and answer.code == 'unauthenticated', (method, path, answer)
    assert await upgrade_status(world, None) == 401


@scenario
async def a_token_of_the_token_command_is_taken(world):
    server = await world.serve()
    me = await server.get('/me', 'alice')
    assert me['user_id'] == 'alice', me
    device = await world.device('alice', 'phone')
    assert (device.hello['user_id'], device.hello['device_id']) == ('alice', 'phone')


@scenario
async def the_device_is_default_when_the_token_names_none(world):
    server = await world.serve()
    device = world.absent('alice')
    hello = await device.connect(token=server.sign(server.claims('alice')))
    assert hello['device_id'] == 'default', hello


@scenario
async def a_token_that_is_not_right_is_401(world):
    server = await world.serve()
    good = server.sign(server.claims())
    head, body, signature = good.split('.')
    claims = server.claims
    wrong = {
        'empty': '', 'no dots': 'x', 'two parts': f'{head}.{body}',
        'no signature': f'{head}.{body}.',
        'another signature': f'{head}.{body}.{base64url(bytes(32))}',
        'a longer one': f'{head}.{body}.{signature}.{signature}',
        'padding': good + '=', 'another body': f'{head}.{base64url(b"{}")}.{signature}',
        'alg none': jwt(claims(), lambda _: b'', {'alg': 'none'}),
        'alg none, signed': server.sign(claims(), {'alg': 'none'}),
        'alg hs256': server.sign(claims(), {'alg': 'hs256'}),
        'alg RS256': server.sign(claims(), {'alg': 'RS256'}),
        'no alg': jwt(claims(), lambda _: b'', {}),
        'another secret': jwt(claims(), lambda text: hmac.new(b'x', text, hashlib.sha256).digest(),
                              {'alg': 'HS256'}),
        'no secret': jwt(claims(), lambda text: hmac.new(b'', text, hashlib.sha256).digest(),
                         {'alg': 'HS256'}),
        'no sub': server.sign({'exp': int(time.time()) + 60}),
        'sub is no id': server.sign(claims('a b')), 'sub is a number': server.sign(claims(7)),
        'sub is empty': server.sign(claims('')), 'device is no id': server.sign(claims(device='/')),
        'no exp': server.sign({'sub': 'alice'}), 'exp is text': server.sign(claims(exp='soon')),
        'critical extension': server.sign(claims(), {'crit': ['b64'], 'b64': False}),
        'too long': server.sign(claims(x='x' * 10000)),
    }
    for what, token in wrong.items():
        await expect_refused(world, token, what)
    await expect_taken(world, good, 'the one that all of these were made from')


@scenario
async def exp_is_exact_to_5_s_and_nbf_and_iat_have_60_s(world):
    server = await world.serve()
    now = int(time.time())
    for what, more, taken in (
            ('expired 7 s ago', {'exp': now - 7}, False), ('long expired', {'exp': 1}, False),
            ('about to expire', {'exp': now + 15}, True),
            ('fractions of a second', {'exp': now + 15.5, 'nbf': now - .5, 'iat': now - .5}, True),
            ('not valid for 2 minutes', {'nbf': now + 120}, False),
            ('a clock that is 40 s ahead', {'nbf': now + 40, 'iat': now + 40}, True),
            ('issued in 2 minutes', {'iat': now + 120}, False),
            ('issued long ago', {'iat': now - 10**6}, True)):
        token = server.sign(server.claims(**more))
        await (expect_taken if taken else expect_refused)(world, token, what)


@scenario
async def aud_and_iss_are_checked_when_configured(world):
    server = await world.serve('--aud', 'chat', '--iss', 'https://id.example')
    for what, more, taken in (
            ('both', {'aud': 'chat', 'iss': 'https://id.example'}, True),
            ('a list', {'aud': ['x', 'chat'], 'iss': 'https://id.example'}, True),
            ('no aud', {'iss': 'https://id.example'}, False), ('no iss', {'aud': 'chat'}, False),
            ('another aud', {'aud': 'shop', 'iss': 'https://id.example'}, False),
            ('another iss', {'aud': 'chat', 'iss': 'https://id.example.evil'}, False)):
        await (expect_taken if taken else expect_refused)(
            world, server.sign(server.claims(**more)), what)


@scenario
async def a_token_in_the_url_does_not_count(world):
    server = await world.serve()
    token = await server.token('alice')
    for key in ('token', 'access_token', 'bearer', 'authorization'):
        answer = await server.call('GET', f'/me?{key}={token}')
        assert answer.status == 401, (key, answer)


@scenario
async def a_browser_may_bring_it_as_a_subprotocol(world):
    server = await world.serve()
    token = await server.token('alice', 'web')
    device = world.absent('alice', 'web')
    hello = await device.connect(bearer=False, subprotocols=['twoticks.v1', f'bearer.{token}'])
    assert hello['device_id'] == 'web' and device.socket.subprotocol == 'twoticks.v1'
    bad = world.absent('alice', 'web')
    try:
        await bad.connect(bearer=False, subprotocols=['twoticks.v1', 'bearer.nonsense'])
        raise AssertionError('a bad token was taken')
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 401


@scenario
async def the_authorization_header_is_preferred_over_the_subprotocol(world):
    server = await world.serve()
    device = world.absent('alice', 'phone')
    other = await server.token('bob', 'web')
    hello = await device.connect(subprotocols=['twoticks.v1', f'bearer.{other}'])
    assert hello['user_id'] == 'alice', hello


@scenario
async def a_socket_whose_token_expires_is_closed_with_4401(world):
    server = await world.serve()
    device = world.absent('alice')
    await device.connect(token=server.sign(
        server.claims(device='phone', exp=int(time.time()) + 2)))
    assert await device.closed(within=60) == 4401


@scenario
async def a_fresh_token_keeps_the_socket_open(world):
    server = await world.serve()
    device = world.absent('alice')
    ends = int(time.time()) + 3
    await device.connect(token=server.sign(server.claims(device='phone', exp=ends)))
    await device.send(type='token', token=server.sign(server.claims(device='phone')))
    await device.fence()
    assert device.frames('error') == [], device.log
    await clock.pass_seconds(ends + 6 - time.time())
    await device.fence()


@scenario
async def a_token_of_somebody_else_does_not(world):
    server = await world.serve()
    device = await world.device('alice')
    for claims in (server.claims('bob', device='phone'), server.claims('alice', device='tablet'),
                   server.claims('alice', device='phone', exp=1)):
        await device.send(type='token', token=server.sign(claims))
        error = await device.expect('error')
        assert error['code'] in ('unauthenticated', 'permission_denied'), error
    await device.send(type='token', token=7)
    assert (await device.expect('error'))['code'] == 'invalid_argument'
    await device.fence()


@scenario
async def post_token_gives_a_fresh_one(world):
    server = await world.serve()
    answer = await server.call('POST', '/token', 'alice', 'phone')
    assert answer.status == 200, answer
    device = world.absent('alice')
    hello = await device.connect(token=answer.json['token'])
    assert (hello['user_id'], hello['device_id']) == ('alice', 'phone')


def openssl(*args, data=None):
    return subprocess.run(['openssl', *args], input=data, capture_output=True, check=True).stdout


def make_key(folder, *args):
    """A private key and its public PEM: their paths."""
    private, public = folder / 'key.pem', folder / 'public.pem'
    private.write_bytes(openssl('genpkey', *args))
    public.write_bytes(openssl('pkey', '-in', str(private), '-pubout'))
    return private, public


def der_to_raw(der):
    """An ECDSA signature as JWS has it: r and s of 32 bytes each."""
    parts, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        parts.append(der[at + 2:at + 2 + size].lstrip(b'\0').rjust(32, b'\0'))
        at += 2 + size
    return b''.join(parts)


def signer(alg, private, folder):
    def sign(text):
        if alg == 'EdDSA':
            data = folder / 'input'
            data.write_bytes(text)
            return openssl('pkeyutl', '-sign', '-inkey', str(private), '-rawin', '-in', str(data))
        signed = openssl('dgst', '-sha256', '-sign', str(private), data=text)
        return der_to_raw(signed) if alg == 'ES256' else signed
    return sign


KEYS = {'RS256': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
        'ES256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
        'EdDSA': ['-algorithm', 'ED25519']}


@scenario
async def rs256_es256_and_eddsa_are_verified_with_a_pem(world):
    for alg, how in KEYS.items():
        server = world.unstarted()
        private, public = make_key(server.folder, *how)
        server.options += ['--jwt-key', str(public)]
        await server.start()
        world.server = server
        sign = signer(alg, private, server.folder)
        await expect_taken(world, jwt(server.claims(), sign, {'alg': alg}), alg)
        for other in ('RS256', 'ES256', 'EdDSA', 'HS256', 'none', 'PS256'):
            if other != alg:
                await expect_refused(world, jwt(server.claims(), sign, {'alg': other}),
                                     f'{alg} key, {other} token')
        # The classic forgery: the public key as the shared secret.
        for secret in (public.read_bytes(), public.read_bytes().strip()):
            forged = jwt(server.claims(),
                         lambda text: hmac.new(secret, text, hashlib.sha256).digest(),
                         {'alg': 'HS256'})
            await expect_refused(world, forged, f'HS256 with the public {alg} key')


@scenario
async def a_jwks_file_names_several_keys(world):
    server = world.unstarted()
    folders = [server.folder / name for name in ('one', 'two')]
    keys, signers = [], []
    for number, folder in enumerate(folders):
        folder.mkdir()
        private, public = make_key(folder, *KEYS['EdDSA'])
        der = openssl('pkey', '-pubin', '-in', str(public), '-outform', 'DER')
        keys.append({'kty': 'OKP', 'crv': 'Ed25519', 'x': base64url(der[-32:]), 'alg': 'EdDSA',
                     'use': 'sig', 'kid': f'key-{number}'})
        signers.append(signer('EdDSA', private, folder))
    jwks = server.folder / 'jwks.json'
    jwks.write_text(json.dumps({'keys': keys}))
    server.options += ['--jwks', str(jwks)]
    await server.start()
    world.server = server
    for number, sign in enumerate(signers):
        header = {'alg': 'EdDSA', 'kid': f'key-{number}'}
        await expect_taken(world, jwt(server.claims(), sign, header), header)
        wrong = {'alg': 'EdDSA', 'kid': f'key-{1 - number}'}
        await expect_refused(world, jwt(server.claims(), sign, wrong), wrong)


@scenario
async def no_token_is_ever_logged(world):
    server = await world.serve('--log-level', 'debug')
    conversation = await world.conversation('alice', 'bob')
    device = await world.device('alice')
    await device.say(conversation, 'canary-content-7f3a')
    await server.call('GET', f'/me?token={await server.token("carol")}')
    await server.stop()
    for token in server.tokens.values():
        assert token.split('.')[2] not in server.output
    assert 'canary-content-7f3a' not in server.output
    assert base64.b64encode(server.secret()).decode().rstrip('=') not in server.output


@scenario
async def many_devices_connect_at_once(world):
    server = await world.serve()
    devices = [world.absent(f'user-{number}') for number in range(100)]
    for device in devices:
        server.tokens[(device.user, 'phone', None)] = server.sign(
            server.claims(device.user, device='phone'))
    await asyncio.gather(*(device.connect() for device in devices))
    await asyncio.gather(*(device.caught_up() for device in devices))


@scenario
async def an_origin_does_not_matter_where_no_cookie_is_used(world):
    server = await world.serve()
    for origin in ('https://elsewhere.example', 'null'):
        device = world.absent('alice')
        await device.connect(headers={'Origin': origin})
        answer = await server.call('PUT', '/me', 'alice', json={'push_preview': True},
                                   headers={'Origin': origin})
        assert answer.status == 200, answer
