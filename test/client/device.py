"""device: one device with its WebSocket: sends frames, keeps every frame that comes, waits for
those that a test expects."""
import asyncio
import itertools
import json

import websockets

from client import clock

FRAME_SECONDS = 30
LOG_SHOWN = 12
numbers = itertools.count(1)


def matches(frame, type, keys):
    return frame.get('type') == type and all(
        key in frame and frame[key] == value for key, value in keys.items())


class Device:
    def __init__(self, server, user, device='phone'):
        self.server = server
        self.user = user
        self.device = device
        self.socket = None
        self.hello = None
        self.log = []  # every frame of this socket, in order
        self._taken = set()
        self._news = asyncio.Event()
        self._reading = None

    async def connect(self, token=None, headers=None, subprotocols=None, bearer=True):
        """Opens a new socket and returns its hello."""
        headers = dict(headers or {})
        if bearer:
            if token is None:
                token = await self.server.token(self.user, self.device)
            headers['Authorization'] = f'Bearer {token}'
        host, port = self.server.address
        self.log = []
        self._taken = set()
        self.socket = await clock.within(FRAME_SECONDS, websockets.connect(
            f'{"wss" if self.server.tls else "ws"}://{host}:{port}/ws', ssl=self.server.tls,
            extra_headers=headers, subprotocols=subprotocols,
            ping_interval=None, compression=None, max_size=None, max_queue=None,
            close_timeout=5), f'{self} connects')
        self._reading = asyncio.ensure_future(self._read(self.socket))
        self.hello = await self.next()
        assert self.hello['type'] == 'hello', f'the first frame is {self.hello}'
        return self.hello

    async def _read(self, socket):
        try:
            async for text in socket:
                frame = json.loads(text)
                assert isinstance(frame, dict) and isinstance(frame.get('type'), str), text
                self.log.append(frame)
                self._news.set()
        except websockets.ConnectionClosedError:
            pass
        finally:
            self._news.set()

    async def caught_up(self):
        await self.expect('caught_up')
        return self

    # What it says.

    async def send(self, **frame):
        await self.socket.send(json.dumps(frame))

    async def send_text(self, text):
        await self.socket.send(text)

    async def say(self, conversation, content, client_id=None):
        """Sends a message and returns its `sent`."""
        client_id = client_id or f'{self.user}-{self.device}-{next(numbers)}'
        await self.send(type='send', client_id=client_id, conversation_id=conversation,
                        content=content)
        return await self.expect('sent', client_id=client_id, conversation_id=conversation)

    async def say_many(self, conversation, count):
        """Sends that many messages without waiting in between; returns their seqs."""
        ids = [f'{self.user}-{self.device}-{next(numbers)}' for _ in range(count)]
        for client_id in ids:
            await self.send(type='send', client_id=client_id, conversation_id=conversation,
                            content=f'message {client_id}')
        return [(await self.expect('sent', client_id=one, within=30))['seq'] for one in ids]

    async def delivered(self, conversation, seq):
        await self.send(type='delivered', conversation_id=conversation, seq=seq)

    async def read(self, conversation, seq):
        """Acks as read, and waits for the confirmation."""
        await self.send(type='read', conversation_id=conversation, seq=seq)
        return await self.expect('read_sync', conversation_id=conversation)

    async def open(self, conversation):
        await self.send(type='open', conversation_id=conversation)
        return await self.expect('conversation', conversation_id=conversation)

    async def fence(self):
        """Everything sent before has been looked at by the server."""
        await self.send(type='ping')
        await self.expect('pong')

    # What it hears.

    def frames(self, type, **keys):
        return [frame for frame in self.log if matches(frame, type, keys)]

    def seqs(self, conversation):
        return [frame['seq'] for frame in self.frames('message', conversation_id=conversation)]

    async def _wait(self, find, what, within):
        async def waiting():
            while True:
                self._news.clear()
                index = find()
                if index is not None:
                    self._taken.add(index)
                    return self.log[index]
                if self._reading.done():
                    raise AssertionError(
                        f'{self}: closed with {self.socket.close_code} before: {what}; '
                        f'log: {self.log[-LOG_SHOWN:]}')
                await self._news.wait()
        try:
            return await asyncio.wait_for(waiting(), within * clock.patience)
        except asyncio.TimeoutError:
            raise AssertionError(f'{self}: not within {within:g} s: {what}; '
                                 f'log: {self.log[-LOG_SHOWN:]}') from None

    async def expect(self, type, within=FRAME_SECONDS, **keys):
        """The first frame not yet taken that has this type and these values."""
        def find():
            return next((index for index, frame in enumerate(self.log)
                         if index not in self._taken and matches(frame, type, keys)), None)
        return await self._wait(find, f'{type} {keys}', within)

    async def next(self, within=FRAME_SECONDS):
        """The first frame not yet taken, whatever it is."""
        def find():
            return next((index for index in range(len(self.log)) if index not in self._taken),
                        None)
        return await self._wait(find, 'a frame', within)

    async def messages(self, conversation, upto, within=FRAME_SECONDS):
        """Waits until the message `upto` is there; returns the seqs that came, in order."""
        await self._wait(lambda: next(
            (index for index, frame in enumerate(self.log) if matches(
                frame, 'message', {'conversation_id': conversation, 'seq': upto})), None),
            f'message {upto} of {conversation}', within)
        return self.seqs(conversation)

    # How it goes.

    async def closed(self, within=FRAME_SECONDS):
        """Waits until the server closes the socket; returns the code."""
        await clock.within(within, asyncio.shield(self._reading), f'{self} is closed')
        await self.socket.wait_closed()
        return self.socket.close_code

    async def close(self):
        if self.socket is not None:
            await self.socket.close()
            await self._reading

    async def drop(self):
        """The line dies: nothing is said, the kernel resets."""
        self.socket.transport.abort()
        await self.socket.wait_closed()
        await self._reading

    async def reconnect(self):
        await self.close()
        return await self.connect()

    def __repr__(self):
        return f"{self.user}'s {self.device}"
