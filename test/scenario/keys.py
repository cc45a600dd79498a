"""keys: whose signatures are believed: several at once, rotated, fetched, and forged."""
import asyncio
import base64
import hashlib
import hmac
import json
import pathlib
import ssl
import subprocess
import time

from client import clock
from client.scenario import scenario
from client.server import base64url, jwt


class Key:
    """An Ed25519 key pair of somebody who signs tokens."""

    def __init__(self, folder, kid):
        self.kid = kid
        self.file = pathlib.Path(folder) / f'{kid}.pem'
        openssl('genpkey', '-algorithm', 'ed25519', '-out', self.file)
        der = openssl('pkey', '-in', self.file, '-pubout', '-outform', 'DER')
        self.jwk = {'kty': 'OKP', 'crv': 'Ed25519', 'x': base64url(der[-32:]), 'kid': kid,
                    'use': 'sig', 'alg': 'EdDSA'}

    def _sign(self, text):
        (self.file.parent / 'text').write_bytes(text)
        return openssl('pkeyutl', '-sign', '-inkey', self.file, '-rawin', '-in',
                       self.file.parent / 'text')

    def token(self, claims, **header):
        return jwt(claims, self._sign, {'alg': 'EdDSA', 'kid': self.kid, **header})


def openssl(*arguments):
    return subprocess.run(['openssl', *[str(one) for one in arguments]], check=True,
                          capture_output=True).stdout


class Publisher:
    """Serves a JWKS over HTTP or HTTPS, and counts who asks for it."""

    def __init__(self, keys, tls=None):
        self.keys = keys
        self.status = '200 OK'
        self.body = None  # instead of the keys
        self.count = 0
        self.tls = tls

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._answer, '127.0.0.1', 0, ssl=self.tls)
        port = self.server.sockets[0].getsockname()[1]
        self.url = ('https' if self.tls else 'http') + f'://localhost:{port}/keys'
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _answer(self, reader, writer):
        try:
            await reader.readuntil(b'\r\n\r\n')
            self.count += 1
            body = json.dumps({'keys': [key.jwk for key in self.keys]}).encode()
            body = body if self.body is None else self.body
            writer.write(f'HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\n'
                         'Connection: close\r\n\r\n'.encode() + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def asked(self, times):
        async def enough():
            return self.count >= times
        await clock.until(30, enough, f'the keys are asked for {times} times')


async def status(server, token):
    return (await server.call('GET', '/me', token=token)).status


async def becomes(server, token, wanted):
    async def is_so():
        return await status(server, token) == wanted
    await clock.until(30, is_so, f'the token is answered {wanted}')


@scenario
async def keys_that_are_fetched_rotate_without_a_restart(world):
    server = world.unstarted('--jwks-refresh', '1s')
    old, new = Key(server.folder, 'old'), Key(server.folder, 'new')
    async with Publisher([old]) as publisher:
        server.options += ['--jwks', publisher.url]
        await server.start()
        claims = server.claims('alice')
        await becomes(server, old.token(claims), 200)
        assert await status(server, new.token(claims)) == 401
        publisher.keys = [old, new]  # both, for as long as old tokens live
        await becomes(server, new.token(claims), 200)
        assert await status(server, old.token(claims)) == 200
        publisher.keys = [new]
        await becomes(server, old.token(claims), 401)
        assert await status(server, new.token(claims)) == 200
        # What cannot be fetched, or is no set of keys, changes nothing, not even over a restart.
        for publisher.status, publisher.body in (
                ('503 Busy', None), ('200 OK', b'<html>'), ('200 OK', b'{"keys":[]}'),
                ('302 Found', None), ('200 OK', b'x' * 300_000)):
            await publisher.asked(publisher.count + 2)
            assert await status(server, new.token(claims)) == 200, publisher.status
        await server.restart()
        assert await status(server, new.token(claims)) == 200
        await publisher.asked(publisher.count + 2)
        assert await status(server, new.token(claims)) == 200
        assert 'could not be fetched' in server.output
    assert await status(server, new.token(claims)) == 200
    # Another publisher's keys are not his.
    await server.stop()
    server.options[server.options.index('--jwks') + 1] = 'http://127.0.0.1:9/keys'
    await server.start()
    assert await status(server, new.token(claims)) == 401


@scenario
async def keys_come_by_tls_from_whom_the_certificate_names(world):
    server = world.unstarted('--jwks-refresh', '1s')
    folder = server.folder
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
            '-keyout', folder / 'tls.key', '-out', folder / 'tls.pem')
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / 'tls.pem', folder / 'tls.key')
    key = Key(folder, 'one')
    async with Publisher([key], tls) as publisher:
        server.options += ['--jwks', publisher.url, '--jwks-ca', folder / 'tls.pem']
        server.options = [str(one) for one in server.options]
        await server.start()
        await becomes(server, key.token(server.claims('alice')), 200)
        stranger = await world.serve('--jwks', publisher.url)

        async def complains():
            return 'could not be fetched' in stranger.output
        await clock.until(60, complains, 'it complains')
        assert await status(stranger, key.token(server.claims('alice'))) == 401
    code, output = await server.run('serve', '--data', folder / 'other', '--jwks',
                                    'http://id.example/keys', '--listen', '127.0.0.1:0',
                                    '--admin-listen', '127.0.0.1:0')
    assert code != 0 and 'loopback' in output, output


@scenario
async def own_secrets_rotate_with_the_old_one_as_a_second_line(world):
    server = await world.serve()
    before = await server.token('alice')
    await server.stop()
    secret = server.data / 'secret'
    secret.write_text('f' * 64 + '\n' + secret.read_text())
    server.tokens.clear()
    await server.start()
    after = await server.token('alice')
    assert await status(server, before) == 200 and await status(server, after) == 200
    await server.stop()
    secret.write_text('f' * 64 + '\n')
    await server.start()
    assert await status(server, before) == 401 and await status(server, after) == 200


def hs256(key, claims, header):
    return jwt(claims, lambda text: hmac.new(key, text, hashlib.sha256).digest(), header)


@scenario
async def forged_tokens_are_401(world):
    """Attack 18, one row each."""
    server = world.unstarted()
    folder = server.folder
    ed = Key(folder, 'ed')
    openssl('genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:2048', '-out',
            folder / 'rsa.pem')
    public = openssl('pkey', '-in', folder / 'rsa.pem', '-pubout')
    der = openssl('pkey', '-in', folder / 'rsa.pem', '-pubout', '-outform', 'DER')
    modulus = openssl('rsa', '-in', folder / 'rsa.pem', '-noout', '-modulus').decode()
    n = bytes.fromhex(modulus.strip().split('=')[1])
    rsa = {'kty': 'RSA', 'kid': 'rsa', 'n': base64url(n), 'e': 'AQAB'}
    (folder / 'keys.json').write_text(json.dumps({'keys': [ed.jwk, rsa]}))
    server.options += ['--jwks', str(folder / 'keys.json'), '--iss', 'me', '--aud', 'chat']
    await server.start()
    now = int(time.time())
    good = {'sub': 'alice', 'exp': now + 600, 'iss': 'me', 'aud': ['x', 'chat']}

    def rs256(claims, **header):
        def sign(text):
            (folder / 'text').write_bytes(text)
            return openssl('dgst', '-sha256', '-sign', folder / 'rsa.pem', folder / 'text')
        return jwt(claims, sign, {'alg': 'RS256', 'kid': 'rsa', **header})

    def with_text(payload):
        """Signed, but with these very bytes as claims."""
        head = base64url(json.dumps({'alg': 'EdDSA', 'kid': 'ed'}).encode())
        text = f'{head}.{base64url(payload.encode())}'
        return text + '.' + base64url(ed._sign(text.encode()))

    whole = json.dumps(good)
    signed = ed.token(good)
    header, payload, signature = signed.split('.')
    unsigned = jwt(good, lambda _: b'', {'alg': 'none'})
    taken = {
        'EdDSA': signed, 'RS256': rs256(good), 'no kid': ed.token(good, kid=''),
        'not before, within the leeway': ed.token({**good, 'nbf': now + 50}),
        'issued in the future, within the leeway': ed.token({**good, 'iat': now + 50}),
        'exp as a fraction': ed.token({**good, 'exp': now + 600.5}),
        'jku that nobody follows': ed.token(good, jku='http://127.0.0.1:1/keys'),
        'x5u that nobody follows': ed.token(good, x5u='http://127.0.0.1:1/cert'),
        'jwk in the header that nobody believes': ed.token(good, jwk=Key(folder, 'evil').jwk),
    }
    evil = Key(folder, 'evil2')
    refused = {
        'alg none': unsigned, 'alg none, with a signature': f'{unsigned}{signature}',
        'alg None': jwt(good, lambda _: b'', {'alg': 'None'}),
        'alg nOnE': jwt(good, lambda _: b'', {'alg': 'nOnE'}),
        'alg empty': jwt(good, lambda _: b'', {'alg': ''}),
        'no alg': jwt(good, lambda _: b'', {}),
        'alg as a number': jwt(good, lambda _: b'', {'alg': 1}),
        'HS256 with the RSA public key as PEM': hs256(public, good, {'alg': 'HS256'}),
        'the same without its end': hs256(public.strip(), good, {'alg': 'HS256', 'kid': 'rsa'}),
        'HS256 with the RSA public key as DER': hs256(der, good, {'alg': 'HS256', 'kid': 'rsa'}),
        'HS256 with the modulus': hs256(n, good, {'alg': 'HS256', 'kid': 'rsa'}),
        'HS256 with an empty key': hs256(b'', good, {'alg': 'HS256'}),
        'HS256 with x of the Ed25519 key': hs256(
            base64.urlsafe_b64decode(ed.jwk['x'] + '='), good, {'alg': 'HS256', 'kid': 'ed'}),
        'alg in another case': ed.token(good, alg='eddsa'),
        'alg of another key': ed.token(good, alg='RS256'),
        'RS512 of the same key': rs256(good, alg='RS512'),
        'PS256 of the same key': rs256(good, alg='PS256'),
        'kid of another key': ed.token(good, kid='rsa'), 'unknown kid': ed.token(good, kid='no'),
        'kid as a path': hs256(b'', good, {'alg': 'HS256', 'kid': '../../../../dev/null'}),
        'kid as a URL': evil.token(good, kid='http://127.0.0.1:1/keys'),
        'kid as SQL': evil.token(good, kid="x' UNION SELECT 'key'--"),
        'kid as a number': ed.token(good, kid=7), 'kid as null': ed.token(good, kid=None),
        'jku to an own key': evil.token(good, kid='ed', jku='http://127.0.0.1:1/keys'),
        'x5u to an own key': evil.token(good, kid='ed', x5u='http://127.0.0.1:1/cert'),
        'jwk of an own key': evil.token(good, kid='ed', jwk=evil.jwk),
        'crit': ed.token(good, crit=['exp']), 'empty crit': ed.token(good, crit=[]),
        'expired': ed.token({**good, 'exp': now - 1}), 'exp 0': ed.token({**good, 'exp': 0}),
        'exp negative': ed.token({**good, 'exp': -1}),
        'exp as text': ed.token({**good, 'exp': str(now + 600)}),
        'exp huge': with_text(whole.replace(str(now + 600), '9' * 30)),
        'exp 2^63': ed.token({**good, 'exp': 2 ** 63}),
        'exp null': ed.token({**good, 'exp': None}), 'no exp': ed.token({'sub': 'alice'}),
        'not yet': ed.token({**good, 'nbf': now + 120}),
        'nbf as text': ed.token({**good, 'nbf': 'now'}),
        'issued far in the future': ed.token({**good, 'iat': now + 120}),
        'another issuer': ed.token({**good, 'iss': 'you'}),
        'another audience': ed.token({**good, 'aud': 'mail'}),
        'no audience': ed.token({key: good[key] for key in good if key != 'aud'}),
        'sub twice': with_text(whole[:-1] + ',"sub":"bob"}'),
        'exp twice': with_text(whole[:-1] + f',"exp":{now + 900}}}'),
        'no sub': ed.token({key: good[key] for key in good if key != 'sub'}),
        'sub as a number': ed.token({**good, 'sub': 1}),
        'sub empty': ed.token({**good, 'sub': ''}),
        'sub with a blank': ed.token({**good, 'sub': 'a b'}),
        'sub with a zero byte': ed.token({**good, 'sub': 'alice\x00'}),
        'device as a number': ed.token({**good, 'device': 1}),
        'claims as an array': with_text('[]'), 'claims that are no JSON': with_text('{'),
        'claims with a zero byte after': with_text(whole + '\x00'),
        'a signature of 20 kB': f'{header}.{payload}.{"A" * 20_000}',
        'no signature': f'{header}.{payload}.', 'a short signature': signed[:-6],
        'a signature of zeros': f'{header}.{payload}.{base64url(bytes(64))}',
        'a signature of one byte more': f'{header}.{payload}.'
                                        + base64url(base64.urlsafe_b64decode(signature + '==')
                                                    + b'\x00'),
        'padding': signed + '=', 'plain base64': signed.replace('_', '/').replace('-', '+') + '+',
        'two parts': f'{header}.{payload}', 'four parts': signed + '.AAAA', 'no dots': 'x' * 40,
        'other claims': f'{header}.{base64url(json.dumps({**good, "sub": "bob"}).encode())}'
                        f'.{signature}',
        'a login that is no number': ed.token({**good, 'twoticks_login': 'x'}),
        'a login 0': ed.token({**good, 'twoticks_login': 0}),
        'a login that nobody began': ed.token({**good, 'twoticks_login': 7}),
    }
    for what, token in taken.items():
        answer = await server.call('GET', '/me', token=token)
        assert answer.status == 200, (what, answer)
    bodies = set()
    for what, token in refused.items():
        answer = await server.call('GET', '/me', token=token)
        size_matters = what == 'a signature of 20 kB'
        assert answer.status in ((401, 431) if size_matters else (401,)), (what, answer)
        bodies.add(answer.body if answer.status == 401 else next(iter(bodies)))
    assert len(bodies) == 1, bodies  # nobody is told what was wrong
