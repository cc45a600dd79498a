"""conversations: making them, listing them, paging through them."""
import asyncio

from client import clock
from client.scenario import scenario


async def create(world, caller, **body):
    return await world.server.call('POST', '/conversation', caller, json=body)


@scenario
async def creating_answers_201_with_the_conversation(world):
    await world.serve()
    answer = await create(world, 'alice', members=['alice', 'bob'])
    assert answer.status == 201, answer
    made = answer.json
    assert made['kind'] == 'direct' and sorted(made['members']) == ['alice', 'bob']
    assert made['head_seq'] == 0 and made['unread'] == 0, made
    group = await create(world, 'alice', kind='group', members=['alice', 'bob', 'carol'],
                         title='Friends', conversation_id='friends')
    assert group.status == 201 and group.json['conversation_id'] == 'friends', group
    assert group.json['title'] == 'Friends'


@scenario
async def a_second_direct_conversation_of_the_same_pair_is_the_first_one(world):
    await world.serve()
    first = await create(world, 'alice', members=['alice', 'bob'])
    for caller, members in (('alice', ['alice', 'bob']), ('bob', ['bob', 'alice'])):
        again = await create(world, caller, kind='direct', members=members)
        assert again.status == 200, again
        assert again.json['conversation_id'] == first.json['conversation_id']
    other = await create(world, 'bob', members=['bob', 'alice'], conversation_id='another')
    assert other.status == 200
    assert other.json['conversation_id'] == first.json['conversation_id']


@scenario
async def the_same_pair_from_both_sides_at_once_is_one_conversation(world):
    await world.serve()
    for number in range(10):
        a, b = f'a{number}', f'b{number}'
        answers = await asyncio.gather(*(create(world, caller, members=[a, b])
                                         for caller in (a, b, a, b)))
        assert sorted(one.status for one in answers) == [200, 200, 200, 201], answers
        assert len({one.json['conversation_id'] for one in answers}) == 1, answers


@scenario
async def repeating_a_creation_answers_200(world):
    await world.serve()
    body = {'kind': 'group', 'members': ['alice', 'bob'], 'conversation_id': 'g'}
    assert (await create(world, 'alice', **body)).status == 201
    assert (await create(world, 'alice', **body)).status == 200
    assert (await create(world, 'alice', **{**body, 'members': ['bob', 'alice']})).status == 200
    assert (await create(world, 'bob', **body)).status == 200


@scenario
async def a_conversation_id_that_is_taken_by_anything_else_is_a_conflict(world):
    await world.serve()
    body = {'kind': 'group', 'members': ['alice', 'bob'], 'conversation_id': 'g'}
    assert (await create(world, 'alice', **body)).status == 201
    for caller, change in (('alice', {'members': ['alice', 'carol']}),
                           ('alice', {'kind': 'direct'}),
                           ('eve', {'members': ['eve', 'mallory']})):
        answer = await create(world, caller, **{**body, **change})
        assert answer.status == 409 and answer.code == 'conflict', (change, answer)


@scenario
async def the_caller_must_be_a_member_and_a_direct_one_has_two_different_ones(world):
    await world.serve()
    for body in ({'members': ['bob', 'carol']}, {'members': ['alice']},
                 {'members': ['alice', 'alice']},
                 {'kind': 'direct', 'members': ['alice', 'bob', 'carol']},
                 {'members': []}, {}, {'members': 'alice'}, {'members': ['alice', 7]},
                 {'members': ['alice', 'b b']}, {'members': ['alice', 'bob'], 'kind': 'crowd'},
                 {'members': ['alice', 'bob'], 'conversation_id': ''},
                 {'members': ['alice', 'bob'], 'conversation_id': 'x' * 65},
                 {'kind': 'group', 'members': ['bob', 'carol']}):
        answer = await create(world, 'alice', **body)
        assert answer.status == 400 and answer.code == 'invalid_argument', (body, answer)
        assert answer.json['error']['message'], answer


@scenario
async def ids_are_1_to_64_bytes_of_the_allowed_ones(world):
    await world.serve()
    good = 'AZaz09_-.:@' + 'x' * 53
    answer = await create(world, 'alice', kind='group', members=['alice', good],
                          conversation_id=good)
    assert answer.status == 201, answer
    alice = await world.device('alice')
    await alice.say(good, 'hey', good)
    for bad in ('', 'x' * 65, 'a b', 'a/b', 'é', 'a\n', '\0', 'a%20b'):
        await alice.send(type='send', client_id=bad, conversation_id=good, content='x')
        assert (await alice.expect('error'))['code'] == 'invalid_argument', bad
        await alice.send(type='send', client_id='c', conversation_id=bad, content='x')
        assert (await alice.expect('error'))['code'] == 'invalid_argument', bad


@scenario
async def a_new_conversation_appears_on_the_members_devices(world):
    await world.serve()
    bob = await world.device('bob')
    tablet = await world.device('bob', 'tablet')
    conversation = await world.conversation('alice', 'bob')
    for device in (bob, tablet):
        added = (await device.expect('conversation_added'))['conversation']
        assert added['conversation_id'] == conversation, added
    listed = (await world.server.get('/conversations', 'bob'))['conversations'][0]
    assert set(added) == set(listed), (added, listed)
    assert (await create(world, 'alice', members=['alice', 'bob'])).status == 200
    alice = await world.device('alice')
    await alice.say(conversation, 'hey')
    await bob.messages(conversation, 1)
    assert len(bob.frames('conversation_added')) == 1, 'a repetition adds nothing'


@scenario
async def the_list_has_the_newest_activity_first(world):
    await world.serve()
    alice = await world.device('alice')
    ids = [await world.conversation('alice', other) for other in ('bob', 'carol', 'dave')]
    await alice.say(ids[0], 'first')
    bob = await world.device('bob')
    await bob.say(ids[0], 'second')
    await alice.say(ids[1], 'third')
    listed = (await world.server.get('/conversations', 'alice'))['conversations']
    assert [one['conversation_id'] for one in listed] == [ids[1], ids[0], ids[2]], listed
    entry = listed[1]
    assert set(entry) >= {'conversation_id', 'kind', 'title', 'members', 'head_seq',
                          'last_message', 'unread', 'my_last_read_seq', 'last_delivered_seq',
                          'last_read_seq', 'bob_status'}, entry
    assert entry['head_seq'] == 2 and entry['unread'] == 1 and entry['my_last_read_seq'] == 1
    assert entry['last_message']['content'] == 'second' and entry['last_message']['seq'] == 2
    assert entry['bob_status'] == {'online': True}, entry
    assert sorted(entry['members']) == ['alice', 'bob']
    assert listed[2]['last_message'] is None


@scenario
async def the_list_goes_on_at_its_cursor(world):
    await world.serve()
    made = {await world.conversation('alice', f'user-{number}') for number in range(25)}
    seen = []
    path = '/conversations?limit=10'
    while True:
        page = await world.server.get(path, 'alice')
        seen += [one['conversation_id'] for one in page['conversations']]
        assert len(page['conversations']) <= 10
        if not page['next']:
            break
        path = f'/conversations?limit=10&cursor={page["next"]}'
    assert len(seen) == 25 and set(seen) == made, seen


@scenario
async def the_list_can_be_asked_for_what_has_changed_since(world):
    await world.serve()
    alice = await world.device('alice')
    old = await world.conversation('alice', 'bob')
    await alice.say(old, 'before')
    await clock.pass_seconds(0.01)
    new = await world.conversation('alice', 'carol')
    first = await alice.say(new, 'after')
    since = first['timestamp']
    page = await world.server.get(f'/conversations?changed_since={since}', 'alice')
    assert [one['conversation_id'] for one in page['conversations']] == [new], page
    assert (await world.server.call('GET', '/conversations?changed_since=yesterday',
                                    'alice')).status == 400


@scenario
async def unread_counts_the_others_messages_above_my_read_cursor(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 5)
    await bob.messages(conversation, 5)
    entry = (await world.server.get('/conversations', 'bob'))['conversations'][0]
    assert entry['unread'] == 5
    await bob.say(conversation, 'mine')
    await bob.read(conversation, 3)
    entry = (await world.server.get('/conversations', 'bob'))['conversations'][0]
    assert entry['unread'] == 2, 'my own ones do not count'
    await bob.read(conversation, 5)
    entry = (await world.server.get('/conversations', 'bob'))['conversations'][0]
    assert entry['unread'] == 0


@scenario
async def unread_is_exact_to_999_and_then_1000(world):
    await world.serve('--sends-per-second', 0, '--frames-per-second', 0)
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    for count, unread in ((999, 999), (1, 1000), (100, 1000)):
        await alice.say_many(conversation, count)
        entry = (await world.server.get('/conversations', 'bob'))['conversations'][0]
        assert entry['unread'] == unread, entry


async def seqs(world, query, caller='alice'):
    chat = await world.server.get(f'/conversation/conv_abc123{query}', caller)
    return ([one['seq'] for one in chat['messages']], chat['has_more_before'],
            chat['has_more_after'])


@scenario
async def pages_are_ascending_and_without_the_message_they_start_from(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 120)
    assert await seqs(world, '?before=50&limit=10') == (list(range(40, 50)), True, True)
    assert await seqs(world, '?after=50&limit=10') == (list(range(51, 61)), True, True)
    assert await seqs(world, '?before=5&limit=10') == ([1, 2, 3, 4], False, True)
    assert await seqs(world, '?after=115&limit=10') == (list(range(116, 121)), True, False)
    assert await seqs(world, '?before=100') == (list(range(50, 100)), True, True)
    assert await seqs(world, '?after=0') == (list(range(1, 51)), False, True)
    assert await seqs(world, '?before=1') == ([], False, True)
    assert await seqs(world, '?after=120') == ([], True, False)
    assert await seqs(world, '?limit=200') == (list(range(1, 121)), False, False)


@scenario
async def a_page_before_more_than_there_is_ends_with_the_newest_message(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 12)
    for before in (13, 14, 100, 2**53 - 1):
        page = await world.server.get(f'/conversation/{conversation}?before={before}&limit=5',
                                      'alice')
        assert [one['seq'] for one in page['messages']] == [8, 9, 10, 11, 12], (before, page)
        assert page['has_more_before'] and not page['has_more_after'], page


@scenario
async def a_page_has_1_to_200_messages(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    for query in ('limit=0', 'limit=201', 'limit=-1', 'limit=x', 'limit=', 'before=x',
                  'after=-1', 'before=1.5', 'before=9007199254740993', 'before=2&after=1'):
        answer = await world.server.call('GET', f'/conversation/{conversation}?{query}', 'alice')
        assert answer.status == 400 and answer.code == 'invalid_argument', (query, answer)


@scenario
async def the_snapshot_starts_at_my_last_read_message(world):
    conversation, alice, bob = await world.talk()
    await alice.say_many(conversation, 30)
    await bob.messages(conversation, 30)
    await bob.read(conversation, 20)
    assert await seqs(world, '?limit=50', 'bob') == (list(range(1, 31)), False, False)
    assert await seqs(world, '?limit=15', 'bob') == (list(range(16, 31)), True, False)
    assert await seqs(world, '?limit=5', 'bob') == (list(range(20, 25)), True, True)


@scenario
async def not_yours_and_not_there_are_byte_identical(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    for method, path, body in (
            ('GET', '/conversation/{}', None), ('GET', '/conversation/{}?before=2', None),
            ('POST', '/conversation/{}/messages', {'client_id': 'x', 'content': 'x'}),
            ('PUT', '/conversation/{}/settings', {'muted_until': None}),
            ('GET', '/conversation/{}/messages/1/info', None),
            ('GET', '/conversation/{}/messages/1/why', None),
            ('GET', '/conversation/{}/timeline', None)):
        answers = [await world.server.call(method, path.format(target), 'eve', json=body)
                   for target in (conversation, 'conv_nowher')]
        assert [one.status for one in answers] == [404, 404], (path, answers)
        assert answers[0].body == answers[1].body and answers[0].code == 'not_found', answers
