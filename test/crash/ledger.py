"""ledger: what clients were promised, and whether a server still keeps all of it."""
import collections


class Ledger:
    def __init__(self):
        self.sent = collections.defaultdict(dict)  # conversation -> seq -> (sender, content)
        self.shown = collections.defaultdict(lambda: [0, 0])  # (conversation, viewer) -> cursors
        self.own_read = collections.defaultdict(int)  # (conversation, reader) -> confirmed

    def note(self, viewer, frame):
        """Remembers what a frame promises."""
        if frame['type'] == 'status_update':
            shown = self.shown[frame['conversation_id'], viewer]
            for index, key in enumerate(('last_delivered_seq', 'last_read_seq')):
                value = frame.get(key, 0)
                assert value == 0 or value > shown[index], f'{viewer}: {key} {shown} -> {frame}'
                shown[index] = max(shown[index], value)
        elif frame['type'] == 'read_sync':
            key = (frame['conversation_id'], viewer)
            self.own_read[key] = max(self.own_read[key], frame['last_read_seq'])

    def acknowledge(self, conversation, seq, sender, content):
        before = self.sent[conversation].setdefault(seq, (sender, content))
        assert before == (sender, content), f'{conversation} {seq}: {before} and {content}'

    def count(self):
        return sum(len(messages) for messages in self.sent.values())

    async def check_messages(self, server, conversation, reader):
        """Seqs are 1..n, nothing is there twice, and everything acknowledged is there."""
        found, after = {}, 0
        while True:
            page = await server.get(f'/conversation/{conversation}?after={after}&limit=200', reader)
            for message in page['messages']:
                after += 1
                assert message['seq'] == after, f'{conversation}: {message["seq"]}, not {after}'
                found[after] = (message['sender'], message['content'])
            if not page['has_more_after']:
                break
        assert len(set(found.values())) == len(found), f'{conversation}: a message is there twice'
        for seq, message in self.sent[conversation].items():
            assert found.get(seq) == message, \
                f'{conversation} {seq}: {message} was acknowledged, {found.get(seq)} is there'

    async def check_cursors(self, server, conversation, members):
        for member in members:
            chat = await server.get(f'/conversation/{conversation}?limit=1&open=0', member)
            now = [chat['last_delivered_seq'], chat['last_read_seq']]
            shown = self.shown[conversation, member]
            assert now[0] >= shown[0] and now[1] >= shown[1], \
                f'{conversation}: {member} was shown {shown}, now {now}'
            shown[:] = now
            assert chat['my_last_read_seq'] >= self.own_read[conversation, member], chat
            assert now[1] <= now[0] <= chat['head_seq'], chat
