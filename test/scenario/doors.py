"""doors: small doors that must be shut: compression, paths out of the tree, foreign frames."""
import asyncio
import base64
import os

from client import calls
from client.raw_socket import RawSocket, frame
from client.scenario import scenario


async def upgrade(server, **headers):
    """(status, headers) of an upgrade with these header fields beside the usual ones."""
    fields = {'Host': '127.0.0.1', 'Upgrade': 'websocket', 'Connection': 'Upgrade',
              'Sec-WebSocket-Version': '13',
              'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
              'Authorization': f'Bearer {await server.token("alice")}', **headers}
    raw = RawSocket(server)
    raw.reader, raw.writer = await asyncio.open_connection(*server.address)
    raw.write(('GET /ws HTTP/1.1\r\n' + ''.join(f'{name}: {value}\r\n' for name, value
                                               in fields.items()) + '\r\n').encode())
    return (*await calls.read_head(raw.reader), raw)


@scenario
async def compression_is_never_agreed_to(world):
    """No bomb to unpack, and nothing to learn from sizes."""
    server = await world.serve()
    status, headers, raw = await upgrade(server, **{
        'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits, x-webkit-deflate'})
    assert status == 101 and 'sec-websocket-extensions' not in headers, (status, headers)
    raw.write(frame(1, b'\xaa\x56\x4a\x2d', rsv=4))
    assert await raw.close_code() == 1002
    raw.end()
    answer = await server.call('GET', '/conversations', 'alice',
                               headers={'Accept-Encoding': 'gzip, br, deflate'})
    assert 'content-encoding' not in answer.headers, answer.headers


@scenario
async def paths_lead_to_routes_and_own_files_only(world):
    server = await world.serve()
    for path in (
            '/../../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd',
            '//etc/passwd', '/index.html%00.txt', '/assets/../../secret', '/./me', '/me/',
            '/secret', '/data/secret', '/store', '/control', '/\\..\\secret',
            '/%2e%2e%5csecret', '/healthz', '/metrics', '/readyz', '/CONVERSATIONS',
            '/conversation/', '/conversation/..', '/conversation/a%2f..%2fb'):
        answer = await server.call('GET', path, 'alice')
        assert answer.status in (400, 404), (path, answer)
        assert 'root:' not in answer.text and server.secret().decode() not in answer.text, path
        assert answer.headers['x-content-type-options'] == 'nosniff', (path, answer.headers)
        assert answer.headers['content-type'] == 'application/json', (path, answer.headers)
        assert answer.headers['cache-control'] == 'no-store', (path, answer.headers)


@scenario
async def the_admin_address_answers_three_questions_and_no_others(world):
    server = await world.serve()
    token = await server.token('alice')
    for method, path in (('GET', '/me'), ('GET', '/conversations'), ('POST', '/login'),
                         ('GET', '/ws'), ('POST', '/token'), ('GET', '/'), ('DELETE', '/healthz'),
                         ('POST', '/metrics')):
        answer = await calls.call(server.admin, method, path, token)
        assert answer.status in (404, 405), (method, path, answer)
