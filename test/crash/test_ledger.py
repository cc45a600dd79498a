#!/usr/bin/python3
"""test_ledger: what the crash tests judge by takes a right story, and finds every planted lie.

usage: test_ledger.py
"""
import asyncio
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from ledger import Ledger  # noqa: E402
from load import Sender  # noqa: E402

CHAT = 'chat'
USERS = ['ann', 'bob', 'cat']


class Told:
    """A server that shows what a test tells it to."""

    def __init__(self):
        self.senders = 'ann bob ann bob bob cat'.split()  # of seqs 1 to 6
        self.cursors = {'ann': [4, 1], 'bob': [5, 2], 'cat': [3, 3]}

    def message(self, seq):
        return {'seq': seq, 'sender': self.senders[seq - 1], 'content': f'n{seq}'}

    async def get(self, path, viewer):
        if 'after=' in path:
            after = int(path.partition('after=')[2].partition('&')[0])
            return {'has_more_after': False, 'messages': [
                self.message(seq) for seq in range(after + 1, len(self.senders) + 1)]}
        others = {user: cursors for user, cursors in self.cursors.items() if user != viewer}
        least = [min(cursors[index] for cursors in others.values()) for index in (0, 1)]
        return {'head_seq': len(self.senders), 'last_delivered_seq': least[0],
                'last_read_seq': least[1], 'my_last_read_seq': self.cursors[viewer][1],
                'members': [{'user_id': user, 'last_delivered_seq': delivered,
                             'last_read_seq': read}
                            for user, (delivered, read) in others.items()]}


def story():
    """Of six messages two were answered and one was pushed. Bob acked 3, and 4 and 5 are his."""
    server, ledger = Told(), Ledger()
    ledger.members[CHAT] = USERS
    for seq, sender in enumerate(server.senders, 1):
        ledger.offer(CHAT, sender, f'n{seq}')
    ledger.acknowledge(CHAT, 1, 'ann', 'n1')
    ledger.hear(CHAT, 2, 'bob', 'n2')
    ledger.acknowledge(CHAT, 3, 'ann', 'n3')
    ledger.ack(CHAT, 'ann', 'delivered', 4)
    ledger.ack(CHAT, 'ann', 'read', 1)
    ledger.ack(CHAT, 'bob', 'delivered', 3)
    ledger.ack(CHAT, 'bob', 'read', 2)
    ledger.ack(CHAT, 'cat', 'read', 3)
    return server, ledger


def tell(ledger, viewer, type, **keys):
    ledger.note(viewer, {'type': type, 'conversation_id': CHAT, **keys})


async def look(server, ledger):
    await ledger.check_messages(server, CHAT, 'ann')
    await ledger.check_cursors(server, CHAT, USERS)


class Socket:
    async def send(self, text):
        pass


async def take(ledger, user, *frames):
    """Frames on a new socket of his: the seq of a message, or ['sent', seq]."""
    server, sender = Told(), Sender(ledger, user, CHAT)
    sender.begin()
    for frame in frames:
        seq = frame if isinstance(frame, int) else frame[1]
        if isinstance(frame, int):
            await sender.hear(Socket(), {'type': 'message', 'conversation_id': CHAT,
                                         **server.message(seq)})
        else:
            await sender.hear(Socket(), {'type': 'sent', 'conversation_id': CHAT, 'seq': seq,
                                         'client_id': 'another'})


# Right stories, and with `lie` in their name those that must be found.

async def everything_as_it_was(server, ledger):
    pass


async def ticks_as_far_as_acks(server, ledger):
    tell(ledger, 'cat', 'status_update', user_id='bob', last_delivered_seq=4, last_read_seq=1)
    tell(ledger, 'bob', 'read_sync', last_read_seq=2)


async def an_own_message_carries_on(server, ledger):
    tell(ledger, 'ann', 'status_update', user_id='bob', last_delivered_seq=3)
    server.cursors['bob'][1] = 2
    server.cursors['cat'][0] = 3


async def a_message_comes_meanwhile(server, ledger):
    await ledger.check_messages(server, CHAT, 'ann')
    server.senders.append('bob')
    ledger.offer(CHAT, 'bob', 'n7')
    ledger.ack(CHAT, 'bob', 'delivered', 6)
    server.cursors['bob'][0] = 7
    await ledger.check_cursors(server, CHAT, USERS)


async def a_socket_goes_on_behind_the_cursor(server, ledger):
    await take(ledger, 'bob', 6)
    await take(ledger, 'bob', 4, 5, 6)
    await take(ledger, 'cat', 1, 2, 3)
    await take(ledger, 'ann', 1, 2, ('sent', 4), ('sent', 3), 5, 6)
    await take(ledger, 'ann', ('sent', 5), 6)


async def lie_delivered_beyond_the_ack(server, ledger):
    server.cursors['ann'][0] = 5


async def lie_delivered_at_the_head(server, ledger):
    server.cursors = {user: [6, cursors[1]] for user, cursors in server.cursors.items()}


async def lie_read_beyond_the_ack(server, ledger):
    server.cursors['cat'] = [4, 4]


async def lie_read_though_only_delivered(server, ledger):
    server.cursors['bob'][1] = 3


async def lie_a_tick_before_the_ack(server, ledger):
    tell(ledger, 'bob', 'status_update', user_id='cat', last_delivered_seq=4)
    ledger.ack(CHAT, 'cat', 'delivered', 6)  # too late


async def lie_blue_before_the_ack(server, ledger):
    tell(ledger, 'cat', 'status_update', user_id='ann', last_read_seq=2)
    ledger.ack(CHAT, 'ann', 'read', 4)
    server.cursors['ann'] = [4, 4]


async def lie_a_read_that_nobody_sent(server, ledger):
    tell(ledger, 'cat', 'read_sync', last_read_seq=5)


async def lie_a_tick_went_back(server, ledger):
    tell(ledger, 'cat', 'status_update', user_id='bob', last_delivered_seq=4)
    server.cursors['ann'][0] = 3


async def lie_the_minimum_is_another(server, ledger):
    get = server.get

    async def more(path, viewer):
        answer = await get(path, viewer)
        if viewer == 'ann' and 'last_delivered_seq' in answer:
            answer['last_delivered_seq'] = 2
        return answer
    server.get = more


async def lie_an_acknowledged_message_is_lost(server, ledger):
    ledger.acknowledge(CHAT, 6, 'cat', 'n6')
    server.senders.pop()


async def lie_a_message_that_was_handed_out_is_lost(server, ledger):
    ledger.hear(CHAT, 6, 'cat', 'n6')
    server.senders.pop()


async def lie_two_messages_have_changed_places(server, ledger):
    message = server.message
    server.message = lambda seq: {**message(5 if seq == 2 else 2 if seq == 5 else seq), 'seq': seq}


async def lie_a_message_that_nobody_sent(server, ledger):
    server.senders.append('cat')


async def lie_a_socket_skips_one(server, ledger):
    await take(ledger, 'cat', 4, 6)


async def lie_a_socket_begins_too_late(server, ledger):
    await take(ledger, 'ann', 6)


async def lie_a_socket_goes_back(server, ledger):
    await take(ledger, 'cat', 4, 5, 5)


async def lie_a_socket_skips_what_was_sent_on_another(server, ledger):
    await take(ledger, 'bob', 3, 6)


async def lie_a_pushed_message_is_another(server, ledger):
    ledger.hear(CHAT, 2, 'bob', 'n4')


async def lie_a_pushed_message_of_another(server, ledger):
    ledger.hear(CHAT, 2, 'ann', 'n2')


async def play(one):
    server, ledger = story()
    found = None
    try:
        await one(server, ledger)
        await look(server, ledger)
    except AssertionError as error:
        found = error
    lies = one.__name__.startswith('lie_')
    if lies and not found:
        return f'{one.__name__}: not found'
    return None if lies else found and f'{one.__name__}: {found}'


async def main():
    stories = [one for name, one in globals().items()
               if name.startswith(('lie_', 'a_', 'an_', 'ticks_', 'everything_'))]
    wrong = [error for one in stories if (error := await play(one))]
    print(*wrong, f'{len(stories)} stories, {len(wrong)} wrong', sep='\n')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
