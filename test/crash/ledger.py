"""ledger: what clients said and were promised, and whether a server still keeps all of it.

What was shown is a bound from below: nothing that somebody was told is taken back. What clients
said is one from above: a cursor stands where its user's device acked, or past that where only his
own messages follow. An ack counts from the moment it is said, for it may or may not have arrived.
"""
import collections

CURSORS = ('last_delivered_seq', 'last_read_seq')
DELIVERED, READ = range(2)


class Ledger:
    def __init__(self):
        self.members = {}  # conversation -> users
        self.offered = collections.defaultdict(set)  # conversation -> (sender, content)
        self.sent = collections.defaultdict(dict)  # conversation -> seq -> (sender, content)
        self.heard = collections.defaultdict(dict)  # likewise: handed out, not acknowledged so far
        self.stored = collections.defaultdict(dict)  # likewise: what was there at the last look
        self.acked = collections.defaultdict(lambda: [0, 0])  # (conversation, user) -> cursors
        self.shown = collections.defaultdict(lambda: [0, 0])  # (conversation, viewer) -> cursors
        self.own_read = collections.defaultdict(int)  # (conversation, reader) -> confirmed
        self.claims = collections.defaultdict(list)  # conversation -> (user, seqs, why)

    # What clients say.

    def offer(self, conversation, sender, content):
        """He is about to send this."""
        self.offered[conversation].add((sender, content))

    def ack(self, conversation, user, kind, seq):
        """He is about to ack, which nothing else than this lets his cursors move for."""
        acked = self.acked[conversation, user]
        for index in (DELIVERED, READ) if kind == 'read' else (DELIVERED,):
            acked[index] = max(acked[index], seq)

    # What they are told.

    def acknowledge(self, conversation, seq, sender, content):
        self.hear(conversation, seq, sender, content)
        self.sent[conversation][seq] = sender, content
        self.heard[conversation].pop(seq, None)

    def hear(self, conversation, seq, sender, content):
        """What is handed out is stored, as it was sent."""
        message = sender, content
        assert message in self.offered[conversation], f'{conversation} {seq}: nobody sent {message}'
        before = self.message(conversation, seq)
        assert before in (None, message), f'{conversation} {seq}: {before} and {message}'
        if seq not in self.sent[conversation]:
            self.heard[conversation][seq] = message

    def note(self, viewer, frame):
        """Remembers what a frame promises."""
        conversation = frame.get('conversation_id')
        if frame['type'] == 'status_update':
            shown = self.shown[conversation, viewer]
            for index, key in enumerate(CURSORS):
                value = frame.get(key, 0)
                assert value == 0 or value > shown[index], f'{viewer}: {key} {shown} -> {frame}'
                shown[index] = max(shown[index], value)
                for other in self.members[conversation]:
                    if other != viewer:
                        self.must_be_acked(conversation, other, index, value,
                                           f'{viewer} was told {frame}')
        elif frame['type'] == 'read_sync':
            key = (conversation, viewer)
            self.own_read[key] = max(self.own_read[key], frame['last_read_seq'])
            self.must_be_acked(conversation, viewer, READ, frame['last_read_seq'],
                               f'{viewer} was told {frame}')

    def count(self):
        return sum(len(messages) for messages in self.sent.values())

    # What must be true of it.

    def message(self, conversation, seq):
        for known in (self.sent, self.heard, self.stored):
            if seq in known[conversation]:
                return known[conversation][seq]
        return None

    def must_be_acked(self, conversation, user, index, seq, why):
        """A cursor that stands at `seq` was acked as far as that, or carried on by own messages."""
        acked = self.acked[conversation, user][index]
        if seq > acked:
            self.must_be_own(conversation, user, range(acked + 1, seq + 1), f'{why}; he acked '
                             f'{acked} as {CURSORS[index]}')

    def must_be_own(self, conversation, user, seqs, why):
        """All of these are his messages; whose they are may not be known before they are read."""
        for seq in seqs:
            message = self.message(conversation, seq)
            if message is None:
                self.claims[conversation].append((user, seqs, why))
                return
            assert message[0] == user, f'{conversation} {seq} is not of {user}: {message}; {why}'

    def settle_claims(self, conversation):
        """When all that is stored has been read."""
        for user, seqs, why in self.claims.pop(conversation, ()):
            for seq in seqs:
                message = self.stored[conversation].get(seq)
                assert message and message[0] == user, \
                    f'{conversation} {seq} is not of {user}: {message}; {why}'

    # What is there.

    async def read_on(self, server, conversation, reader):
        """Reads what comes behind all that was read."""
        stored, more = self.stored[conversation], True
        while more:
            after = len(stored)
            page = await server.get(f'/conversation/{conversation}?after={after}&limit=200', reader)
            for message in page['messages']:
                after += 1
                assert message['seq'] == after, f'{conversation}: {message["seq"]}, not {after}'
                stored[after] = (message['sender'], message['content'])
                assert stored[after] in self.offered[conversation], \
                    f'{conversation} {after}: nobody sent {stored[after]}'
            more = page['has_more_after']

    async def check_messages(self, server, conversation, reader):
        """Seqs are 1..n, nothing is there twice, and everything promised is there."""
        self.stored[conversation] = {}
        await self.read_on(server, conversation, reader)
        found = self.stored[conversation]
        assert len(set(found.values())) == len(found), f'{conversation}: a message is there twice'
        for how, known in (('acknowledged', self.sent), ('handed out', self.heard)):
            for seq, message in known[conversation].items():
                assert found.get(seq) == message, \
                    f'{conversation} {seq}: {message} was {how}, {found.get(seq)} is there'
        self.settle_claims(conversation)

    async def check_cursors(self, server, conversation, members):
        """After check_messages: cursors are between what was shown and what was acked."""
        for member in members:
            chat = await server.get(f'/conversation/{conversation}?limit=1&open=0', member)
            if chat['head_seq'] > len(self.stored[conversation]):
                await self.read_on(server, conversation, member)
            self.judge(conversation, member, chat)
            self.settle_claims(conversation)

    def judge(self, conversation, viewer, chat):
        """A snapshot, and what it shows from now on."""
        shown, own_read = self.shown[conversation, viewer], self.own_read[conversation, viewer]
        now = [chat[key] for key in CURSORS]
        assert now[0] >= shown[0] and now[1] >= shown[1], \
            f'{conversation}: {viewer} was shown {shown}, now {now}'
        assert chat['my_last_read_seq'] >= own_read, \
            f'{conversation}: {viewer} had read {own_read}, now {chat}'
        assert {one['user_id'] for one in chat['members']} == \
            set(self.members[conversation]) - {viewer}, chat
        assert now == [min(one[key] for one in chat['members']) for key in CURSORS], chat
        for one in chat['members']:
            assert one['last_read_seq'] <= one['last_delivered_seq'] <= chat['head_seq'], chat
            for index, key in enumerate(CURSORS):
                self.must_be_acked(conversation, one['user_id'], index, one[key],
                                   f'{viewer} sees {one}')
        self.must_be_acked(conversation, viewer, READ, chat['my_last_read_seq'],
                           f'{viewer} sees that he read {chat["my_last_read_seq"]}')
        shown[:] = now
        self.own_read[conversation, viewer] = chat['my_last_read_seq']
