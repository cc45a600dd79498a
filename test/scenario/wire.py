"""wire: frames that are right, wrong, or no frames at all; HTTP that is none."""
import asyncio
import struct

from client import calls, clock
from client.raw_socket import BINARY, CLOSE, PING, PONG, TEXT, frame, upgrade_lines
from client.scenario import scenario


@scenario
async def ping_is_answered_by_pong(world):
    await world.serve()
    alice = await world.device('alice')
    await alice.send(type='ping')
    assert await alice.expect('pong') == {'type': 'pong'}
    await (await alice.socket.ping())


@scenario
async def unknown_keys_are_ignored(world):
    conversation, alice, _ = await world.talk()
    await alice.send(type='send', client_id='k', conversation_id=conversation, content='x',
                     later={'a': [1, {'type': 'read'}]}, more=None)
    await alice.expect('sent', client_id='k')


@scenario
async def an_unknown_type_is_an_error_and_the_socket_stays(world):
    await world.serve()
    alice = await world.device('alice')
    for kind in ('dance', '', 'sent', 'message', 'SEND', 'hello'):
        await alice.send(type=kind)
        error = await alice.expect('error')
        assert error['code'] == 'invalid_argument' and error['message'], (kind, error)
    await alice.fence()


BAD_FRAMES = [
    '[]', '1', '"x"', 'null', 'true', '{}', '{"type":7}', '{"type":null}',
    '{"type":"send"}', '{"type":"send","client_id":"x","conversation_id":"conv_abc123"}',
    '{"type":"send","client_id":"x","content":"x"}',
    '{"type":"send","conversation_id":"conv_abc123","content":"x"}',
    '{"type":"send","client_id":"x","conversation_id":"conv_abc123","content":7}',
    '{"type":"send","client_id":7,"conversation_id":"conv_abc123","content":"x"}',
    '{"type":"send","client_id":"x","conversation_id":["conv_abc123"],"content":"x"}',
    '{"type":"delivered","conversation_id":"conv_abc123"}',
    '{"type":"read","seq":1}', '{"type":"open"}', '{"type":"close"}', '{"type":"typing"}',
    '{"type":"token"}',
]
BAD_SEQS = ['0', '-1', '1.5', '"1"', 'null', '9007199254740992', '18446744073709551616', '1e400',
            'true', '[]', '{}', '-0']


@scenario
async def a_value_that_is_wrong_is_invalid_argument_and_the_socket_stays(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    for text in BAD_FRAMES + [f'{{"type":"{kind}","conversation_id":"conv_abc123","seq":{seq}}}'
                              for kind in ('delivered', 'read') for seq in BAD_SEQS]:
        await alice.send_text(text)
        error = await alice.expect('error')
        assert error['code'] == 'invalid_argument', (text, error)
    await alice.fence()


@scenario
async def an_error_names_what_it_answers(world):
    conversation, alice, _ = await world.talk()
    await alice.send(type='send', client_id='c7', conversation_id=conversation, content='')
    error = await alice.expect('error')
    assert (error['client_id'], error['conversation_id']) == ('c7', conversation), error


@scenario
async def typing_is_told_to_devices_that_have_it_open(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('bob', 'tablet')
    await bob.open(conversation)
    await alice.send(type='typing', conversation_id=conversation)
    told = await bob.expect('typing')
    assert told == {'type': 'typing', 'conversation_id': conversation, 'user_id': 'alice'}
    await alice.say(conversation, 'typed')
    await tablet.messages(conversation, 1)
    assert tablet.frames('typing') == [] and alice.frames('typing') == []


BREACHES = {
    'broken JSON': (1007, frame(TEXT, b'{"type":')),
    'two texts in one': (1007, frame(TEXT, b'{} {}')),
    'no JSON': (1007, frame(TEXT, b'hello')),
    'nothing at all': (1007, frame(TEXT, b'')),
    'a trailing comma': (1007, frame(TEXT, b'{"type":"ping",}')),
    'a NaN': (1007, frame(TEXT, b'{"type":NaN}')),
    'deep nesting': (1007, frame(TEXT, b'[' * 100000)),
    'broken UTF-8': (1007, frame(TEXT, b'{"type":"\xff"}')),
    'an encoded surrogate': (1007, frame(TEXT, b'"\xed\xa0\x80"')),
    'an overlong character': (1007, frame(TEXT, b'"\xc0\xaf"')),
    'half a character': (1007, frame(TEXT, b'"\xe2\x82', fin=False) + frame(0, b'"')),
    'a binary frame': (1003, frame(BINARY, b'{"type":"ping"}')),
    'a frame over the limit': (1009, frame(TEXT, length=512 * 1024 + 1)),
    'a length of 1 GiB': (1009, frame(TEXT, length=1 << 30)),
    'fragments over the limit': (1009, b''.join(
        frame(TEXT if number == 0 else 0, b' ' * 65536, fin=False) for number in range(9))),
    'a length of 2^63': (1002, frame(TEXT, length=1 << 63, wide=True)),
    'an unmasked frame': (1002, frame(TEXT, b'{"type":"ping"}', masked=False)),
    'a wasteful length': (1002, frame(TEXT, b'{"type":"ping"}', wide=True)),
    'a reserved bit': (1002, frame(TEXT, b'{"type":"ping"}', rsv=4)),
    'a reserved opcode': (1002, frame(3, b'x')),
    'a reserved control opcode': (1002, frame(11)),
    'a long ping': (1002, frame(PING, b'x' * 126)),
    'a fragmented ping': (1002, frame(PING, b'x', fin=False)),
    'an orphan continuation': (1002, frame(0, b'x')),
    'a text within a text': (1002, frame(TEXT, b'{', fin=False) + frame(TEXT, b'{}')),
    'half a close code': (1002, frame(CLOSE, b'\x03')),
    'a close code that may not be sent': (1002, frame(CLOSE, struct.pack('>H', 1005))),
    'a close code below 1000': (1002, frame(CLOSE, struct.pack('>H', 999))),
    'a close reason that is no UTF-8': (1007, frame(CLOSE, struct.pack('>H', 1000) + b'\xff')),
}


@scenario
async def a_breach_closes_with_the_right_code(world):
    await world.serve()

    async def breach(number, what, code, data):
        socket = await world.raw('mallory', f'raw-{number % 8}-{number // 8}')
        socket.write(data)
        got = await socket.close_code()
        assert got == code, f'{what}: {got}, not {code}'

    for number, (what, (code, data)) in enumerate(BREACHES.items()):
        await world.server.call('DELETE', f'/device/raw-{number % 8}-{number // 8 - 1}',
                                'mallory', 'admin')
        await breach(number, what, code, data)


@scenario
async def frames_may_come_in_fragments_with_pings_between(world):
    await world.serve()
    socket = await world.raw()
    await socket.wait_for(TEXT)
    await socket.wait_for(TEXT)
    text = '{"type":"ping","x":"é😀"}'.encode()
    for number, byte in enumerate(text):
        socket.write(frame(TEXT if number == 0 else 0, bytes([byte]),
                           fin=number == len(text) - 1))
        if number == 5:
            socket.write(frame(PING, b'between'))
    assert await socket.wait_for(PONG) == b'between'
    assert b'pong' in await socket.wait_for(TEXT)


@scenario
async def a_close_is_answered_with_the_same_code(world):
    await world.serve()
    for code in (1000, 1001, 3000, 4999):
        socket = await world.raw()
        socket.write(frame(CLOSE, struct.pack('>H', code) + b'bye'))
        assert await socket.close_code(answer=False) == code


@scenario
async def an_upgrade_that_is_none_is_refused(world):
    server = await world.serve()
    token = await server.token('alice')
    lines = upgrade_lines(server.address, token)

    def request(change=None, first=None, without=None):
        kept = [first or lines[0]] + [line for line in lines[1:]
                                      if not without or not line.startswith(without)]
        return '\r\n'.join(kept + ([change] if change else [])).encode() + b'\r\n\r\n'

    async def status(data):
        return (await calls.raw(server.address, data)).status

    assert await status(request(without='Sec-WebSocket-Key')) == 400
    assert await status(request('Sec-WebSocket-Key: short', without='Sec-WebSocket-Key')) == 400
    assert await status(request('Sec-WebSocket-Version: 12',
                                without='Sec-WebSocket-Version')) in (400, 426)
    assert await status(request(without='Upgrade')) in (400, 426)
    assert await status(request(without='Connection')) in (400, 426)
    assert await status(request(first='GET /ws HTTP/1.0')) in (400, 426, 505)
    assert await status(request('Content-Length: 0', first='POST /ws HTTP/1.1')) in (400, 405)
    assert await status(request(without='Authorization')) == 401


@scenario
async def http_that_is_ambiguous_is_refused(world):
    server = await world.serve()
    host = b'Host: x\r\n'
    for request in (
            b'GET /me HTTP/1.1\r\n\r\n', b'GET /me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
            b'POST /token HTTP/1.1\r\n' + host +
            b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
            b'POST /token HTTP/1.1\r\n' + host +
            b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
            b'POST /token HTTP/1.1\r\n' + host + b'Content-Length: -1\r\n\r\n',
            b'GET /me HTTP/1.1\r\n' + host + b'A: b\r\n c\r\n\r\n',
            b'GET /me HTTP/1.1\r\n' + host + b'A b: c\r\n\r\n', b'nonsense\r\n\r\n',
            b'GET /me HTTP/9.9\r\n' + host + b'\r\n'):
        answer = await calls.raw(server.address, request)
        assert answer.status in (400, 505), (request, answer)


@scenario
async def a_connection_serves_many_requests(world):
    server = await world.serve()
    token = await server.token('alice')
    reader, writer = await asyncio.open_connection(*server.address)
    head = '\r\n'.join(calls.head_of('GET', '/me', server.address, token, {})) + '\r\n\r\n'
    writer.write(head.encode() * 5)
    for _ in range(5):
        answer = await clock.within(60, calls.read_answer(reader), 'an answer')
        assert answer.status == 200 and answer.json['user_id'] == 'alice'
    writer.close()


@scenario
async def unknown_paths_and_methods_are_told_so(world):
    await world.serve()
    for method, path, statuses in (
            ('GET', '/nowhere', (404,)), ('GET', '/conversation', (404, 405)),
            ('DELETE', '/me', (404, 405)), ('GET', '/conversation/a/b', (404,)),
            ('GET', '/conversation/a%20b', (400, 404)), ('GET', '/../etc/passwd', (400, 404)),
            ('PATCH', '/conversations', (404, 405))):
        answer = await world.server.call(method, path, 'alice')
        assert answer.status in statuses and answer.json['error']['message'], (path, answer)


@scenario
async def a_body_that_is_no_json_object_is_invalid_argument(world):
    conversation, _, _ = await world.talk()
    for body in (b'', b'{', b'[]', b'null', b'"x"', b'{"client_id":"x"}', b'\xff',
                 b'{"client_id":"x","content":"\\ud800"}', b'{"client_id":7,"content":"x"}'):
        for path in (f'/conversation/{conversation}/messages', '/conversation'):
            answer = await world.server.call('POST', path, 'alice', body=body)
            assert answer.status == 400 and answer.code == 'invalid_argument', (body, answer)


@scenario
async def errors_have_a_code_and_a_sentence(world):
    await world.serve()
    answer = await world.server.call('GET', '/conversation/conv_nowhere', 'alice')
    assert answer.status == 404 and set(answer.json) == {'error'}, answer
    assert set(answer.json['error']) == {'code', 'message'}
    assert answer.headers['content-type'].startswith('application/json')
