"""tls: what clients see of TLS, and what a certificate that is no good leads to."""
import asyncio
import os
import signal
import socket
import ssl
import subprocess

from client import calls, certificates, clock
from client.scenario import scenario

CLIENT_HELLO = bytes.fromhex('160301020001000001fc0303')  # and 500 bytes more to come


async def serve_tls(world, *options):
    """A server with a certificate of its own; its clients trust that."""
    server = world.unstarted()
    pair = certificates.Pair(server.folder)
    server.options += [*pair.options(), *options]
    server.tls = pair.client()
    world.server = server
    await server.start()
    return server, pair


async def in_thread(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def shake(address, context, session=None, say=b''):
    """A blocking client: (version, session, was it resumed, ALPN, certificate, answer)."""
    with socket.create_connection(address, timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname='localhost', session=session) as tls:
            if say:
                tls.sendall(say)
            got = tls.recv(65536) if say else b''
            return (tls.version(), tls.session, tls.session_reused,
                    tls.selected_alpn_protocol(), tls.getpeercert(True), got)


async def metric(server, name):
    text = (await calls.call(server.admin, 'GET', '/metrics')).text
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + ' '))


@scenario
async def a_chat_over_tls_goes_like_one_without(world):
    server, _ = await serve_tls(world)
    assert 'listening on https://' in server.output, server.output
    conversation = await world.conversation('alice', 'bob')
    alice, bob = await world.device('alice'), await world.device('bob')
    large = 'x' * 60000
    await alice.say(conversation, large)
    await bob.messages(conversation, 1)
    await bob.delivered(conversation, 1)
    await alice.expect('status_update', last_delivered_seq=1)
    await alice.say_many(conversation, 200)
    assert await bob.messages(conversation, 201) == list(range(1, 202))
    page = await server.get(f'/conversation/{conversation}?after=0&limit=200&open=0', 'bob')
    assert page['messages'][0]['content'] == large
    assert await metric(server, 'twoticks_net_tls_handshakes_total') >= 4
    assert await metric(server, 'twoticks_tls_certificate_expires_timestamp_seconds') > 0
    await server.stop()
    assert await alice.closed() == 1001 and await bob.closed() == 1001


@scenario
async def only_modern_tls_is_spoken(world):
    server, pair = await serve_tls(world)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = pair.client()
        context.minimum_version = context.maximum_version = version
        spoken, _, _, alpn, _, _ = await in_thread(shake, server.address, context)
        assert spoken == version.name.replace('_', '.') and alpn == 'http/1.1', (spoken, alpn)

    async def refused(change):
        context = pair.client()
        change(context)
        try:
            await in_thread(shake, server.address, context)
        except (ssl.SSLError, ConnectionError):
            return
        raise AssertionError(f'{change.__name__} was taken')

    def old(context):
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    def without_forward_secrecy(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers('AES128-GCM-SHA256:AES256-SHA')

    def cbc(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers('ECDHE-ECDSA-AES128-SHA')

    def http2_only(context):
        context.set_alpn_protocols(['h2'])

    for change in (old, without_forward_secrecy, cbc, http2_only):
        await refused(change)
    assert await metric(server, 'twoticks_net_tls_failures_total') == 4
    assert (await server.call('GET', '/me', 'alice')).status == 200


@scenario
async def a_session_is_resumed_by_its_ticket(world):
    server, pair = await serve_tls(world)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = pair.client()
        context.minimum_version = context.maximum_version = version
        say = b'GET /me HTTP/1.1\r\nHost: localhost\r\n\r\n'
        _, session, resumed, _, _, answer = await in_thread(
            shake, server.address, context, None, say)
        assert not resumed and answer.startswith(b'HTTP/1.1 401'), answer
        _, _, resumed, _, _, answer = await in_thread(
            shake, server.address, context, session, say)
        assert resumed and answer.startswith(b'HTTP/1.1 401'), (version, answer)


@scenario
async def renegotiation_is_refused(world):
    server, pair = await serve_tls(world)

    def renegotiate():
        return subprocess.run(
            ['openssl', 's_client', '-connect', '%s:%d' % server.address, '-tls1_2', '-CAfile',
             pair.certificate], input=b'R\n', capture_output=True, timeout=30)
    done = await in_thread(renegotiate)
    assert done.returncode != 0 and b'RENEGOTIATING' in done.stderr, done
    assert b'no renegotiation' in done.stderr, done


@scenario
async def plain_http_to_the_tls_port_is_told_what_to_write(world):
    server, _ = await serve_tls(world)
    answer = await calls.call(server.address, 'GET', '/me')
    assert answer.status == 400 and 'https://' in answer.text, answer


@scenario
async def a_pair_that_is_no_good_is_refused_with_a_sentence(world):
    server = world.unstarted()
    folder = server.folder
    good, other = certificates.Pair(folder), certificates.Pair(folder, 'other')
    small = certificates.Pair(folder, 'small', key=('-newkey', 'rsa:1024'))
    locked = certificates.Pair(folder, 'locked', more=('-passout', 'pass:1234'))
    text = folder / 'text'
    text.write_text('no certificate\n')
    text.chmod(0o600)
    world_readable = folder / 'open.key'
    world_readable.write_bytes(good.key.read_bytes())
    world_readable.chmod(0o644)
    nowhere = folder / 'nowhere'
    for certificate, key, named, words in (
            (nowhere, good.key, nowhere, 'No such file'),
            (good.certificate, nowhere, nowhere, 'No such file'),
            (text, good.key, text, 'no certificate'),
            (folder, good.key, folder, 'no certificate'),
            (good.certificate, text, text, 'no key'),
            (good.certificate, other.key, other.key, 'the pair that'),
            (good.certificate, world_readable, world_readable, 'chmod'),
            (small.certificate, small.key, small.certificate, '2048'),
            (locked.certificate, locked.key, locked.key, 'passphrase')):
        code, output = await server.run(*server.arguments(), '--tls-cert', certificate,
                                        '--tls-key', key)
        assert code == 1 and str(named) in output and \
            words in output, (words, output)
    for option, path in (('--tls-cert', good.certificate), ('--tls-key', good.key)):
        code, output = await server.run(*server.arguments(), option, path)
        assert code == 2 and 'go together' in output, output
    assert not server.data.exists(), 'nothing was made'


@scenario
async def sighup_brings_a_new_certificate_and_drops_nobody(world):
    server, pair = await serve_tls(world)
    conversation = await world.conversation('alice', 'bob')
    alice, bob = await world.device('alice'), await world.device('bob')
    fresh = certificates.Pair(server.folder, 'fresh', common_name='fresh')

    async def shown(context, want):
        try:
            answer = await in_thread(shake, server.address, context)
        except ssl.SSLCertVerificationError:
            return False
        return answer[4] == ssl.PEM_cert_to_DER_cert(want.certificate.read_text())

    assert await shown(server.tls, pair)
    os.replace(fresh.certificate, pair.certificate)
    os.replace(fresh.key, pair.key)
    server.process.send_signal(signal.SIGHUP)
    server.tls = pair.client()
    await clock.until(60, lambda: shown(server.tls, pair), 'the new certificate is shown')

    pair.certificate.write_text('broken')
    server.process.send_signal(signal.SIGHUP)

    async def complained():
        return 'stays the old one' in server.output
    await clock.until(60, complained, 'the broken certificate is told')
    await alice.say(conversation, 'still here')
    await bob.messages(conversation, 1)
    assert (await server.call('GET', '/me', 'alice')).status == 200


@scenario
async def sighup_without_tls_does_no_harm(world):
    _, alice, bob = await world.talk()
    world.server.process.send_signal(signal.SIGHUP)
    await alice.say('conv_abc123', 'still here')
    await bob.messages('conv_abc123', 1)


async def open_plain(server, *bytes_to_send):
    reader, writer = await asyncio.open_connection(*server.address)
    for part in bytes_to_send:
        writer.write(part)
    return reader, writer


@scenario
async def half_a_handshake_ends_in_time_and_keeps_nobody_waiting(world):
    server, _ = await serve_tls(world, '--header-time', '1s')
    conversation = await world.conversation('alice', 'bob')
    alice, bob = await world.device('alice'), await world.device('bob')
    halves = [await open_plain(server, CLIENT_HELLO + b'x' * (number % 7))
              for number in range(50)]
    halves += [await open_plain(server) for _ in range(50)]
    for number in range(1, 21):
        await alice.say(conversation, f'{number}')
        await bob.messages(conversation, number)
    for reader, writer in halves:
        try:
            await clock.within(60, reader.read(), 'the half handshake is cut')
        except ConnectionResetError:
            pass  # also an end
        writer.close()
    assert (await server.call('GET', '/me', 'alice')).status == 200


@scenario
async def garbage_in_tls_ends_that_connection_only(world):
    server, pair = await serve_tls(world, '--header-time', '1s')
    alice = await world.device('alice')
    before = await metric(server, 'twoticks_net_tls_failures_total')
    hello = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = pair.client().wrap_bio(*hello, server_hostname='localhost')
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    first = hello[1].read()
    wrong = [b'\xff' * 64, b'\x16\x03\x01\xff\xff' + bytes(70000),
             b'\x15\x03\x01\x00\x02\x02\x28',
             first[:5] + bytes(len(first) - 5), first + b'\x17\x03\x03\x00\x20' + bytes(32),
             b'\x80\x2e\x01\x00\x02', first + first]
    for one in wrong:
        reader, writer = await open_plain(server, one)
        try:
            await clock.within(60, reader.read(), f'{one[:8]} is cut')
        except ConnectionResetError:
            pass
        writer.close()
    assert await metric(server, 'twoticks_net_tls_failures_total') >= before + 4
    await alice.fence()


@scenario
async def what_is_cut_off_in_the_middle_was_never_sent(world):
    """Truncation: the end of TCP without the goodbye of TLS."""
    server, _ = await serve_tls(world)
    conversation = await world.conversation('alice', 'bob')
    token = await server.token('alice', 'phone')
    body = b'{"client_id":"c1","content":"hello"}'
    lines = calls.head_of('POST', f'/conversation/{conversation}/messages', server.address, token,
                          {'Content-Type': 'application/json', 'Content-Length': len(body) + 10})
    reader, writer = await asyncio.open_connection(*server.address, ssl=server.tls)
    writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n' + body)
    await writer.drain()
    writer.transport.abort()
    chat = await server.get(f'/conversation/{conversation}?open=0', 'bob')
    assert chat['head_seq'] == 0, chat


@scenario
async def a_goodbye_is_answered_with_one(world):
    server, _ = await serve_tls(world)

    def talk():
        with socket.create_connection(server.address, timeout=10) as plain:
            tls = server.tls.wrap_socket(plain, server_hostname='localhost')
            tls.sendall(b'GET /me HTTP/1.1\r\nHost: localhost\r\n\r\n')
            assert tls.recv(65536).startswith(b'HTTP/1.1 401')
            tls.unwrap()  # says close_notify and waits for the server's
            return plain.fileno()
    await in_thread(talk)


@scenario
async def a_slow_reader_gets_all_of_a_large_answer(world):
    server, _ = await serve_tls(world)
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    for number in range(40):
        await alice.say(conversation, f'{number}:' + 'x' * 60000)
    lines = calls.head_of('GET', f'/conversation/{conversation}?after=0&limit=40&open=0',
                          server.address, await server.token('bob', 'phone'), {})

    def slowly():
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.settimeout(30)
            plain.connect(server.address)
            tls = server.tls.wrap_socket(plain, server_hostname='localhost')
            tls.sendall('\r\n'.join(lines).encode() + b'\r\n\r\n')
            got = b''
            while b'\r\n\r\n' not in got:
                got += tls.recv(1000)
            head, body = got.split(b'\r\n\r\n', 1)
            size = next(int(line.split(b':')[1]) for line in head.split(b'\r\n')
                        if line.lower().startswith(b'content-length'))
            while len(body) < size:
                body += tls.recv(5000)
            return body
    body = await in_thread(slowly)
    assert b'"39:' in body and body.count(b'x' * 60000) == 40


@scenario
async def the_commands_speak_tls_with_whom_they_trust(world):
    server, pair = await serve_tls(world)
    conversation = await world.conversation('alice', 'bob', conversation_id='conv_abc123')
    alice, bob = await world.device('alice'), await world.device('bob')
    await alice.say(conversation, 'x' * 60000)
    await bob.messages(conversation, 1)
    port = server.address[1]
    other = certificates.Pair(server.folder, 'other')

    async def command(*arguments, trusted=pair.certificate, host='localhost', **more):
        server.environ['SSL_CERT_FILE'] = str(trusted)
        return await server.run(*arguments, '--url', f'https://{host}:{port}', '--data',
                                server.data, **more)
    for arguments in (['why', conversation, '1', '--as', 'alice'],
                      ['timeline', conversation, '--as', 'alice'], ['drill', 'phone-off']):
        code, output = await command(*arguments)
        assert code == 0 and output.strip(), output
    code, output = await command('chat', '--as', 'alice', '--with', 'bob',
                                 lines='hello\nare you there?\n')
    assert code == 0, output
    await bob.messages(conversation, 3)
    code, output = await command('why', conversation, '1', '--as', 'alice', host='127.0.0.1')
    assert code == 0, output
    code, output = await command('why', conversation, '1', '--as', 'alice',
                                 trusted=other.certificate)
    assert code != 0 and 'SSL_CERT_FILE' in output, output
    named = certificates.Pair(server.folder, 'named', common_name='elsewhere',
                              names='DNS:elsewhere')
    os.replace(named.certificate, pair.certificate)
    os.replace(named.key, pair.key)
    server.process.send_signal(signal.SIGHUP)

    async def reloaded():
        return server.output.count('TLS certificate read') == 2
    await clock.until(60, reloaded, 'the certificate is read again')
    code, output = await command('why', conversation, '1', '--as', 'alice')
    assert code != 0 and 'ostname mismatch' in output, output
    code, output = await command('bench', 'pairs', '--pairs', 2)
    assert code != 0 and 'ostname mismatch' in output, output


@scenario
async def every_bench_goes_over_tls(world):
    server, pair = await serve_tls(world, '--sends-per-second', '0',
                                    '--frames-per-second', '0')
    server.environ['SSL_CERT_FILE'] = str(pair.certificate)
    for arguments in (['pairs', '--pairs', 2], ['rate', '--pairs', 2, '--rate', 20],
                      ['idle', '--sockets', 20], ['storm', '--sockets', 20],
                      ['open', '--sockets', 2], ['fanout', '--members', 10],
                      ['fill', '--pairs', 2, '--messages', 20]):
        code, output = await server.run(
            'bench', *arguments, '--seconds', 1, '--url', f'https://localhost:{server.address[1]}',
            '--data', server.data)
        assert code == 0, (arguments, output)
