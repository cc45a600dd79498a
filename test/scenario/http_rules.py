"""http_rules: RFC 9112 to the letter: what may be split is put together, and what could be read in
two ways, so that a proxy before the server sees other requests than the server, is refused."""
import asyncio

from client import calls, clock
from client.scenario import scenario

HOST = b'Host: chat.example\r\n'
CHUNKED = b'Transfer-Encoding: chunked\r\n'
SECOND = b'GET /second HTTP/1.1\r\n' + HOST + b'\r\n'

# A valid request in two parts: nothing may be answered before the second one.
FRAGMENTED = {
    'the method': (b'G', b'ET /nowhere HTTP/1.1\r\n' + HOST + b'\r\n'),
    'the path': (b'GET ', b'/nowhere HTTP/1.1\r\n' + HOST + b'\r\n'),
    'within the path': (b'GET /now', b'here HTTP/1.1\r\n' + HOST + b'\r\n'),
    'after the path': (b'GET /nowhere', b' HTTP/1.1\r\n' + HOST + b'\r\n'),
    'the version': (b'GET /nowhere HTTP', b'/1.1\r\n' + HOST + b'\r\n'),
    'within the version': (b'GET /nowhere HTTP/1.', b'1\r\n' + HOST + b'\r\n'),
    'before the line feed': (b'GET /nowhere HTTP/1.1\r', b'\n' + HOST + b'\r\n'),
    'after the first line': (b'GET /nowhere HTTP/1.1\r\n', HOST + b'\r\n'),
    'a field name': (b'GET /nowhere HTTP/1.1\r\nHo', b'st: chat.example\r\n\r\n'),
    'before the colon': (b'GET /nowhere HTTP/1.1\r\nHost', b': chat.example\r\n\r\n'),
    'before a value': (b'GET /nowhere HTTP/1.1\r\nHost:', b' chat.example\r\n\r\n'),
    'a value': (b'GET /nowhere HTTP/1.1\r\nHost: chat', b'.example\r\n\r\n'),
    'after a value': (b'GET /nowhere HTTP/1.1\r\nHost: chat.example', b'\r\n\r\n'),
    'before the end': (b'GET /nowhere HTTP/1.1\r\n' + HOST + b'\r', b'\n'),
    'a body': (b'POST /nowhere HTTP/1.1\r\n' + HOST + b'Content-Length: 10\r\n\r\n01234', b'56789'),
    'a chunk size': (b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED + b'\r\n1',
                     b'0\r\n0123456789abcdef\r\n0\r\n\r\n'),
    'a chunk': (b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED + b'\r\n5\r\n012',
                b'34\r\n0\r\n\r\n'),
    'the last chunk': (b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED + b'\r\n5\r\n01234\r\n0\r\n',
                       b'\r\n'),
}

# Unusual, and right.
VALID = {
    'a plain one': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'\r\n',
    'spaces around a value': b'GET /nowhere HTTP/1.1\r\nHost:   \t chat.example  \t \r\n\r\n',
    'no space before a value': b'GET /nowhere HTTP/1.1\r\nHost:chat.example\r\n\r\n',
    'names in any case': b'GET /nowhere HTTP/1.1\r\nhOsT: chat.example\r\n\r\n',
    'an empty value': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X-Empty:\r\n\r\n',
    'an empty line before it': b'\r\nGET /nowhere HTTP/1.1\r\n' + HOST + b'\r\n',
    'a body': b'POST /nowhere HTTP/1.1\r\n' + HOST + b'Content-Length: 5\r\n\r\n01234',
    'chunks': b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED + b'\r\n5\r\n01234\r\n0\r\n\r\n',
    'an extension of a chunk': b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED +
                               b'\r\n5;a=b\r\n01234\r\n0\r\n\r\n',
    'a trailer': b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED +
                 b'\r\n5\r\n01234\r\n0\r\nX-Sum: 1\r\n\r\n',
}

# What must be answered with 400 (or what stands there), and the line closed: whatever follows on
# the line is not looked at any more.
REFUSED = {
    'no version': b'GET /nowhere\r\n' + HOST + b'\r\n',
    'an unknown version': b'GET /nowhere HTTP/9.9\r\n' + HOST + b'\r\n',
    'a version that is none': b'GET /nowhere HTTP/1.1.1\r\n' + HOST + b'\r\n',
    'a version in lower case': b'GET /nowhere http/1.1\r\n' + HOST + b'\r\n',
    'something before it': b' GET /nowhere HTTP/1.1\r\n' + HOST + b'\r\n',
    'two spaces': b'GET  /nowhere HTTP/1.1\r\n' + HOST + b'\r\n',
    'a tab for a space': b'GET\t/nowhere HTTP/1.1\r\n' + HOST + b'\r\n',
    'a space in the path': b'GET /no where HTTP/1.1\r\n' + HOST + b'\r\n',
    'a NUL in the path': b'GET /no\0where HTTP/1.1\r\n' + HOST + b'\r\n',
    'TLS': b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'no Host': b'GET /nowhere HTTP/1.1\r\n\r\n',
    'two Hosts': b'GET /nowhere HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'the same Host twice': b'GET /nowhere HTTP/1.1\r\n' + HOST + HOST + b'\r\n',
    'a brace in a name': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X{: y\r\n\r\n',
    'a space in a name': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X Y: z\r\n\r\n',
    'a space before the colon': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X : y\r\n\r\n',
    'no name': b'GET /nowhere HTTP/1.1\r\n' + HOST + b': y\r\n\r\n',
    'no colon': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X\r\n\r\n',
    'a bell in a value': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X: \x07\r\n\r\n',
    'a NUL in a value': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X: a\0b\r\n\r\n',
    'a bare carriage return': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X: a\rb: c\r\n\r\n',
    'a folded line': b'GET /nowhere HTTP/1.1\r\n' + HOST + b'X: a\r\n b\r\n\r\n',
    'a folded first line': b'GET /nowhere HTTP/1.1\r\n ' + HOST + b'\r\n',
    'a length that is no number': b'Content-Length: abc\r\n',
    'a negative length': b'Content-Length: -1\r\n',
    'a negative length that overflows': b'Content-Length: -1844674407370955161600\r\n',
    'a length that overflows': b'Content-Length: 18446744073709551617\r\n',
    'a length with a sign': b'Content-Length: +1\r\n',
    'a hexadecimal length': b'Content-Length: 0x1\r\n',
    'a length and a half': b'Content-Length: 1.5\r\n',
    'a length and something': b'Content-Length: 1 2\r\n',
    'no length': b'Content-Length:\r\n',
    'two lengths': b'Content-Length: 1\r\nContent-Length: 2\r\n',
    'a list of lengths': b'Content-Length: 1, 2\r\n',
    'a length and chunks': b'Content-Length: 5\r\n' + CHUNKED,
    'chunks and a length': CHUNKED + b'Content-Length: 5\r\n',
    'chunked twice': b'Transfer-Encoding: chunked, chunked\r\n',
    'two codings': CHUNKED + CHUNKED,
    'an unknown coding': b'Transfer-Encoding: xchunked\r\n',
    'chunked not last': b'Transfer-Encoding: chunked, identity\r\n',
    'a quoted coding': b'Transfer-Encoding: "chunked"\r\n',
    'a vertical tab before chunked': b'Transfer-Encoding: \x0bchunked\r\n',
    'a coding with a space before the colon': b'Transfer-Encoding : chunked\r\n',
    'an empty coding': b'Transfer-Encoding:\r\n',
}

CHUNKS_REFUSED = {
    'a size that is no number': b'xyz\r\n',
    'a size with a sign': b'+5\r\n01234\r\n0\r\n\r\n',
    'a negative size': b'-5\r\n01234\r\n0\r\n\r\n',
    'a size with 0x': b'0x5\r\n01234\r\n0\r\n\r\n',
    'a size that overflows': b'10000000000000005\r\n01234\r\n0\r\n\r\n',
    'a space before a size': b' 5\r\n01234\r\n0\r\n\r\n',
    'no size': b'\r\n01234\r\n0\r\n\r\n',
    'a bare line feed after a size': b'5\n01234\r\n0\r\n\r\n',
    'a bare line feed in an extension': b'5;a\nb\r\n01234\r\n0\r\n\r\n',
    'a chunk longer than it says': b'5\r\n0123456\r\n0\r\n\r\n',
    'a bare line feed after a chunk': b'5\r\n01234\n0\r\n\r\n',
    'a folded trailer': b'5\r\n01234\r\n0\r\nX: a\r\n b\r\n\r\n',
}


async def read_all(reader):
    """Everything until the line ends."""
    try:
        return await clock.within(60, reader.read(), 'the line ends')
    except ConnectionResetError:
        return b''


async def refuse(server, what, request, statuses=(400, 413, 501, 505)):
    """One answer, and the end: the second request on the line is none."""
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        writer.write(request + SECOND)
        answer = await clock.within(60, calls.read_answer(reader), f'an answer to {what}')
        assert answer.status in statuses, f'{what}: {answer}'
        assert answer.json['error']['message'], what
        rest = await read_all(reader)
        assert b'HTTP/1.1' not in rest, f'{what}: the line went on: {rest[:200]}'
    finally:
        writer.close()


@scenario
async def a_request_may_come_in_pieces(world):
    server = await world.serve()
    for what, (first, rest) in FRAGMENTED.items():
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(first)
        # Another connection's answer is the fence: the server has had its turns.
        for _ in range(2):
            await calls.raw(server.address, VALID['a plain one'])
        assert not reader._buffer and not reader.at_eof(), what
        writer.write(rest)
        answer = await clock.within(60, calls.read_answer(reader), f'{what}: an answer')
        assert answer.status in (401, 404), f'{what}: {answer}'
        writer.close()


@scenario
async def unusual_requests_that_are_right_are_answered_and_the_line_stays(world):
    server = await world.serve()
    for what, request in VALID.items():
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(request + SECOND)
        for number in range(2):
            answer = await clock.within(60, calls.read_answer(reader), f'{what}: {number}')
            assert answer.status in (401, 404), f'{what}: {answer}'
        writer.close()


@scenario
async def what_could_be_read_in_two_ways_is_refused_and_the_line_ends(world):
    server = await world.serve()
    for what, request in REFUSED.items():
        if not request.endswith(b'\r\n\r\n'):  # fields of a request with a body
            request = b'POST /nowhere HTTP/1.1\r\n' + HOST + request + b'\r\n'
        await refuse(server, what, request)
    for what, chunks in CHUNKS_REFUSED.items():
        await refuse(server, what,
                     b'POST /nowhere HTTP/1.1\r\n' + HOST + CHUNKED + b'\r\n' + chunks)


@scenario
async def http_1_0_has_no_chunks(world):
    server = await world.serve()
    await refuse(server, 'chunks in HTTP/1.0',
                 b'POST /nowhere HTTP/1.0\r\n' + HOST + CHUNKED + b'\r\n0\r\n\r\n')
