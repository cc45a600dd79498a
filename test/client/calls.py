"""calls: one HTTP request, one answer, over a plain socket."""
import asyncio
import json as codec

from client import clock

ANSWER_SECONDS = 10


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def json(self):
        return codec.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    @property
    def code(self):
        """The code of an error answer."""
        return self.json['error']['code']

    def __repr__(self):
        return f'{self.status} {self.body[:500]!r}'


async def read_head(reader):
    head = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1').split('\r\n')
    status = int(head[0].split(' ')[1])
    headers = {}
    for line in head[1:]:
        if line:
            name, value = line.split(':', 1)
            headers[name.lower()] = value.strip()
    return status, headers


async def read_answer(reader, method='GET'):
    status, headers = await read_head(reader)
    if method == 'HEAD' or status in (204, 304):
        return Answer(status, headers, b'')
    if headers.get('transfer-encoding') == 'chunked':
        body = b''
        while size := int((await reader.readuntil(b'\r\n')).split(b';')[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b'\r\n')
    elif 'content-length' in headers:
        body = await reader.readexactly(int(headers['content-length']))
    else:
        body = await reader.read()
    return Answer(status, headers, body)


async def raw(address, request):
    """Sends bytes as they are and reads one answer."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request)
        return await clock.within(ANSWER_SECONDS, read_answer(reader), f'answer to {request[:80]}')
    finally:
        writer.close()


def head_of(method, path, address, token, headers):
    lines = [f'{method} {path} HTTP/1.1', f'Host: {address[0]}:{address[1]}']
    if token is not None:
        lines.append(f'Authorization: Bearer {token}')
    lines += [f'{name}: {value}' for name, value in (headers or {}).items()]
    return lines


async def call(address, method, path, token=None, json=None, body=None, headers=None, tls=None):
    """One request on a connection of its own. `json` is encoded, `body` is sent as it is."""
    if json is not None:
        body = codec.dumps(json).encode()
    lines = head_of(method, path, address, token, {'Connection': 'close', **(headers or {})})
    if body is not None:
        lines += ['Content-Type: application/json', f'Content-Length: {len(body)}']
    request = '\r\n'.join(lines).encode() + b'\r\n\r\n' + (body or b'')
    reader, writer = await asyncio.open_connection(*address, ssl=tls)
    try:
        writer.write(request)
        return await clock.within(ANSWER_SECONDS, read_answer(reader, method),
                                  f'{method} {path} is answered')
    finally:
        writer.close()
