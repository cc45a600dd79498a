"""proxy: who is believed about whom, behind a proxy and without one."""
import asyncio
import json
import socket
import struct

from client import calls, certificates, clock
from client.scenario import scenario

SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
REQUEST = b'GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n'
CLIENT = '198.51.100.7'
V1 = f'PROXY TCP4 {CLIENT} 127.0.0.1 4711 443\r\n'.encode()
V2 = SIGNATURE + b'\x21\x11' + struct.pack('>H', 12) + socket.inet_aton(CLIENT) + \
    socket.inet_aton('127.0.0.1') + struct.pack('>HH', 4711, 443)
LOGS = ('--access-log', '--log-format', 'json')


def answered(server):
    """The lines of the access log so far."""
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith('{')]
    return [line for line in lines if line['event'] == 'answered']


async def client_of(server, *parts, fields=b''):
    """Whom the log names for a request that comes in these parts."""
    before = len(answered(server))
    reader, writer = await asyncio.open_connection(*server.address)
    for part in (*parts, REQUEST % fields):
        writer.write(part)
        await writer.drain()
    answer = await clock.within(60, calls.read_answer(reader), 'an answer')
    writer.close()
    assert answer.status == 401, answer

    async def logged():
        return len(answered(server)) > before
    await clock.until(60, logged, 'the request is logged')
    return answered(server)[before]['client']


async def is_cut(server, data, end=False):
    """Sends this, and wants the line cut without an answer."""
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(data)
    if end:
        writer.write_eof()
    try:
        got = await clock.within(60, reader.read(), f'{data[:60]} is cut')
    except ConnectionResetError:
        got = b''
    writer.close()
    return got == b''


@scenario
async def a_forwarded_address_counts_from_trusted_proxies_only(world):
    trusting = await world.serve(*LOGS, '--trusted-proxies', '127.0.0.0/8,10.0.0.0/8')
    careful = await world.serve(*LOGS, '--trusted-proxies', '10.0.0.0/8')
    alone = await world.serve(*LOGS)
    spoofed = b'X-Forwarded-For: 203.0.113.1, %s, 10.0.0.9\r\n' % CLIENT.encode()
    assert await client_of(trusting, fields=spoofed) == CLIENT
    assert await client_of(trusting) == '127.0.0.1'
    assert await client_of(trusting, fields=b'X-Forwarded-For: nonsense\r\n') == '127.0.0.1'
    assert await client_of(careful, fields=spoofed) == '127.0.0.1'
    assert await client_of(alone, fields=spoofed) == '127.0.0.1'


@scenario
async def a_proxy_header_says_whose_connection_it_is(world):
    server = await world.serve(*LOGS, '--trusted-proxies', '127.0.0.1', '--proxy-protocol')
    v6 = SIGNATURE + b'\x21\x21' + struct.pack('>H', 36) + \
        socket.inet_pton(socket.AF_INET6, '2001:db8::7') + bytes(20)
    extended = V2[:14] + struct.pack('>H', 12 + 5) + V2[16:] + b'\x04\x00\x02xy'
    assert await client_of(server, V1) == CLIENT
    assert await client_of(server, V2) == CLIENT
    assert await client_of(server, extended) == CLIENT
    assert await client_of(server, v6) == '2001:db8::7'
    assert await client_of(server, b'PROXY UNKNOWN\r\n') == '127.0.0.1'
    assert await client_of(server, SIGNATURE + b'\x20\x00\x00\x00') == '127.0.0.1'
    # The client behind the proxy is none that is trusted: his own header counts for nothing.
    assert await client_of(server, V1, fields=b'X-Forwarded-For: 203.0.113.1\r\n') == CLIENT


@scenario
async def a_torn_proxy_header_is_put_together(world):
    server = await world.serve(*LOGS, '--trusted-proxies', '127.0.0.1', '--proxy-protocol')
    for header in (V1, V2):
        bytes_one_by_one = [header[at:at + 1] for at in range(len(header))]
        assert await client_of(server, *bytes_one_by_one) == CLIENT


@scenario
async def a_bad_proxy_header_is_cut(world):
    server = await world.serve(*LOGS, '--trusted-proxies', '127.0.0.1', '--proxy-protocol',
                               '--header-time', '1s')
    for bad in (REQUEST % b'', V1.replace(b'TCP4', b'TCP6'), V1.replace(b'\r', b''),
                b'PROXY TCP4 ' + b'1' * 200, V1.replace(b'443', b'99999'),
                SIGNATURE + b'\x21\x11\xff\xff', SIGNATURE + b'\x41\x11\x00\x0c',
                V2[:14] + b'\x00\x04abcd', b'\x16\x03\x01\x02\x00', b'\x00'):
        assert await is_cut(server, bad), bad
    for torn in (b'', V1[:20], V2[:15]):
        assert await is_cut(server, torn), torn
        assert await is_cut(server, torn, end=True), torn
    metrics = (await calls.call(server.admin, 'GET', '/metrics')).text
    assert 'twoticks_net_proxy_refusals_total 16' in metrics, metrics
    assert await client_of(server, V1) == CLIENT
    assert answered(server) and len(answered(server)) == 1, 'nothing else became a request'


@scenario
async def a_proxy_header_from_somebody_else_is_no_http(world):
    """Whoever is no trusted proxy speaks for himself, and may not speak PROXY."""
    server = await world.serve(*LOGS, '--trusted-proxies', '10.0.0.0/8', '--proxy-protocol')
    for header in (V1, V2):
        answer = await calls.raw(server.address, header + REQUEST % b'')
        assert answer.status == 400, answer
    assert await client_of(server) == '127.0.0.1'


@scenario
async def tls_goes_behind_a_proxy_header(world):
    server = world.unstarted(*LOGS, '--trusted-proxies', '127.0.0.1', '--proxy-protocol')
    pair = certificates.Pair(server.folder)
    server.options += pair.options()
    world.server = server
    await server.start()

    def talk():
        with socket.create_connection(server.address, timeout=10) as plain:
            plain.sendall(V2)
            with pair.client().wrap_socket(plain, server_hostname='localhost') as tls:
                tls.sendall(REQUEST % b'')
                return tls.recv(65536)
    got = await asyncio.get_running_loop().run_in_executor(None, talk)
    assert got.startswith(b'HTTP/1.1 401'), got

    async def logged():
        return answered(server)
    await clock.until(60, logged, 'the request is logged')
    assert answered(server)[0]['client'] == CLIENT and answered(server)[0]['tls'] == 'yes'


@scenario
async def options_about_proxies_that_make_no_sense_are_refused(world):
    server = world.unstarted()
    for options, word in ((['--trusted-proxies', '10.0.0.0/33'], '10.0.0.0/33'),
                          (['--trusted-proxies', 'localhost'], 'localhost'),
                          (['--trusted-proxies', '10.0.0.1/8'], '10.0.0.1/8'),
                          (['--proxy-protocol'], '--trusted-proxies')):
        code, output = await server.run(*server.arguments(), *options)
        assert code == 2 and word in output, output


@scenario
async def the_access_log_names_clients_and_no_secrets(world):
    server = await world.serve(*LOGS)
    world.server = server
    await world.device('alice')
    token = await server.token('alice', 'phone')
    await server.call('GET', f'/me?token={token}', 'alice')
    await server.call('GET', '/me')
    await server.call('GET', '/a%0d%0ab"\x1b[31m', 'alice')

    async def all_there():
        return len(answered(server)) >= 4
    await clock.until(60, all_there, 'four lines')
    assert [(line['path'], line['status'], line['user']) for line in answered(server)[:3]] == [
        ('/ws', 101, 'alice'), ('/me', 200, 'alice'), ('/me', 401, '')], answered(server)
    await server.stop()
    assert token not in server.output and '\x1b' not in server.output
