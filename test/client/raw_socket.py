"""raw_socket: a WebSocket whose client may break every rule."""
import asyncio
import base64
import os
import struct

from client import calls, clock

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def masked_bytes(payload, mask):
    """All at once, since some payloads are large."""
    size = len(payload)
    whole = int.from_bytes(mask * (size // 4 + 1), 'little') & ((1 << 8 * size) - 1)
    return (int.from_bytes(payload, 'little') ^ whole).to_bytes(size, 'little')


def frame(opcode, payload=b'', fin=True, masked=True, rsv=0, length=None, wide=False):
    """The bytes of one frame; `length` lies about its size, `wide` wastes bytes on it."""
    length = len(payload) if length is None else length
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if wide or length >= 1 << 16:
        head += bytes([mask_bit | 127]) + struct.pack('>Q', length)
    elif length >= 126:
        head += bytes([mask_bit | 126]) + struct.pack('>H', length)
    else:
        head += bytes([mask_bit | length])
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + masked_bytes(payload, mask)


def upgrade_lines(address, token):
    return calls.head_of('GET', '/ws', address, token, {
        'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode()})


class RawSocket:
    def __init__(self, server):
        self.server = server
        self.reader = None
        self.writer = None

    async def connect(self, user='mallory', device='raw'):
        token = await self.server.token(user, device)
        self.reader, self.writer = await asyncio.open_connection(*self.server.address)
        lines = upgrade_lines(self.server.address, token)
        self.writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n')
        status, _ = await clock.within(60, calls.read_head(self.reader), 'the upgrade')
        assert status == 101, status
        return self

    def write(self, data):
        self.writer.write(data)

    async def read_frame(self):
        first, second = await self.reader.readexactly(2)
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack('>H', await self.reader.readexactly(2))
        elif length == 127:
            length, = struct.unpack('>Q', await self.reader.readexactly(8))
        assert not second & 0x80, 'a server does not mask'
        return first & 0x0f, await self.reader.readexactly(length)

    async def wait_for(self, opcode):
        """The payload of the next frame of that kind."""
        async def waiting():
            while True:
                kind, payload = await self.read_frame()
                if kind == opcode:
                    return payload
        return await clock.within(60, waiting(), f'a frame with opcode {opcode}')

    async def close_code(self, answer=True):
        """The code in the server's close frame, which we answer unless it is the answer to ours;
        after it the line must end."""
        payload = await self.wait_for(CLOSE)
        code, = struct.unpack('>H', payload[:2])
        if answer:
            self.writer.write(frame(CLOSE, payload[:2]))
        try:
            await clock.within(60, self.reader.read(), 'the line ends after the close frame')
        except ConnectionResetError:
            pass  # it ended, and the server had not read all that we said
        return code

    def end(self):
        if self.writer is not None:
            self.writer.transport.abort()
