"""load: clients that never stop talking, and what they were promised."""
import asyncio
import json

import websockets
from client import clock
from client.server import Server
from ledger import DELIVERED

# Nothing else than the server's speed limits the load.
NO_LIMITS = ['--sends-per-second', '0', '--frames-per-second', '0']


class Sender:
    """A client that never stops talking, acks what it gets, and retries what is unanswered."""

    def __init__(self, ledger, user, conversation):
        self.ledger = ledger
        self.user = user
        self.conversation = conversation
        self.number = 0
        self.unanswered = None  # the client_id whose outcome is unknown
        self.held = 0  # the last message that came on this socket
        self.answered = set()  # seqs of own messages behind it, which come as `sent` only
        self.errors = []
        self.expected = {'rate_limited'}

    async def talk(self, server):
        """Until the socket dies."""
        headers = {'Authorization': 'Bearer ' + server.tokens[self.user, None, None]}
        try:
            async with websockets.connect(
                    'ws://%s:%d/ws' % server.address, extra_headers=headers, compression=None,
                    ping_interval=None, max_queue=None, close_timeout=1) as socket:
                self.begin()
                await self.next(socket)
                async for text in socket:
                    await self.hear(socket, json.loads(text))
        except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
            pass
        except AssertionError as error:
            self.errors.append(f'{self.user}: {error}')

    def begin(self):
        """On a new socket."""
        self.held = 0
        self.answered = set()

    async def say(self, socket, **frame):
        await socket.send(json.dumps({'conversation_id': self.conversation, **frame}))

    async def next(self, socket):
        if self.unanswered is None:
            self.number += 1
            self.unanswered = f'{self.user}-{self.number}'
            self.ledger.offer(self.conversation, self.user, self.unanswered)
        await self.say(socket, type='send', client_id=self.unanswered, content=self.unanswered)

    async def hear(self, socket, frame):
        self.ledger.note(self.user, frame)
        if frame['type'] == 'sent':
            self.answered.add(frame['seq'])
            if frame['client_id'] == self.unanswered:
                self.ledger.acknowledge(self.conversation, frame['seq'], self.user,
                                        self.unanswered)
                self.unanswered = None
                await self.next(socket)
        elif frame['type'] == 'message':
            self.take(frame)
            for kind, every in (('delivered', 3), ('read', 7)):
                if self.held % every == 0:
                    self.ledger.ack(self.conversation, self.user, kind, self.held)
                    await self.say(socket, type=kind, seq=self.held)
        elif frame['type'] == 'error':
            await self.refused(socket, frame)

    def take(self, frame):
        """A message is the next one; own ones that were answered here are not handed out again."""
        seq = frame['seq']
        self.ledger.hear(self.conversation, seq, frame['sender'], frame['content'])
        assert seq > self.held, f'{frame} after {self.held}'
        if self.held == 0:  # what was acked is not handed out again, either
            before = seq - 1
            while before in self.answered:
                before -= 1
            self.ledger.must_be_acked(self.conversation, self.user, DELIVERED, before,
                                      f'his socket began with {seq}')
        else:
            gap = set(range(self.held + 1, seq)) - self.answered
            assert not gap, f'{seq} after {self.held}, without {sorted(gap)[:5]}'
        self.held = seq
        self.answered = {one for one in self.answered if one > seq}

    async def refused(self, socket, frame):
        assert frame['code'] in self.expected, frame
        if frame.get('client_id') and frame['code'] != 'unavailable':
            await self.next(socket)


class Load:
    """Groups of people who all talk at once, and the server that they talk to."""

    def __init__(self, program, ledger, groups, members, options=(), data=None, may_fail=False):
        self.ledger = ledger
        self.server = Server(program, 1, [*NO_LIMITS, *options], data=data)
        self.groups = {f'group-{number}': [f'user-{number * members + one}'
                                           for one in range(members)] for number in range(groups)}
        self.senders = [Sender(ledger, user, conversation)
                        for conversation, users in self.groups.items() for user in users]
        if may_fail:
            for sender in self.senders:
                sender.expected.add('unavailable')

    async def create(self):
        """With the server running: makes the groups."""
        for conversation, users in self.groups.items():
            self.ledger.members[conversation] = users
            answer = await self.server.call('POST', '/conversation', users[0], json={
                'kind': 'group', 'members': users, 'conversation_id': conversation})
            assert answer.status in (200, 201), answer
        for sender in self.senders:
            self.server.tokens[sender.user, None, None] = self.server.sign(
                self.server.claims(sender.user, device='phone', exp=2**33))

    def begin(self):
        """Everybody talks, until the sockets die."""
        return [asyncio.ensure_future(sender.talk(self.server)) for sender in self.senders]

    async def end(self, talking):
        """After the server died."""
        await clock.within(20, asyncio.gather(*talking), 'the senders notice that the server died')
        errors = [error for sender in self.senders for error in sender.errors]
        assert not errors, errors[:5]

    async def check(self):
        """With the server running: everything promised is true."""
        for conversation, users in self.groups.items():
            await self.ledger.check_messages(self.server, conversation, users[0])
            await self.ledger.check_cursors(self.server, conversation, users)
