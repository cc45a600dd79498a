"""sending: one tick: what `sent` promises, and that nothing is stored twice."""
import asyncio

from client.scenario import scenario

CONV = 'conv_abc123'


@scenario
async def seqs_are_1_to_n_without_a_gap(world):
    conversation, alice, bob = await world.talk()
    results = await asyncio.gather(alice.say_many(conversation, 50), bob.say_many(conversation, 50))
    assert sorted(results[0] + results[1]) == list(range(1, 101))
    assert results[0] == sorted(results[0]), 'one socket is stored in the order of its sends'


@scenario
async def a_message_arrives_as_it_was_sent(world):
    conversation, alice, bob = await world.talk()
    sent = await alice.say(conversation, 'hey')
    got = await bob.expect('message')
    assert got == {'type': 'message', 'conversation_id': conversation, 'seq': 1,
                   'sender': 'alice', 'content': 'hey', 'timestamp': sent['timestamp']}, got


@scenario
async def content_comes_back_as_it_went_in(world):
    conversation, alice, bob = await world.talk()
    texts = ['\0', 'a\0b', '\u2028\u202e\ufeff', '😀👩‍👩‍👧', '"\\/\b\f\n\r\t', ' ',
             '\U0010ffff\ufffe', '<script>alert(1)</script>', 'e\u0301' * 100, '{"type":"send"}']
    for text in texts:
        await alice.say(conversation, text)
    await bob.messages(conversation, len(texts))
    assert [frame['content'] for frame in bob.frames('message')] == texts
    chat = await world.server.get(f'/conversation/{conversation}', 'bob')
    assert [one['content'] for one in chat['messages']] == texts


@scenario
async def every_spelling_of_a_character_is_the_same_character(world):
    conversation, alice, bob = await world.talk()
    await alice.send_text('{"type":"send","client_id":"e1","conversation_id":"conv_abc123",'
                          '"content":"\\ud83d\\ude00\\u0041\\/\\u0000"}')
    await alice.expect('sent', client_id='e1')
    assert (await bob.expect('message'))['content'] == '😀A/\0'


@scenario
async def lone_surrogates_are_refused(world):
    conversation, alice, _ = await world.talk()
    for content in ('\\ud800', '\\udc00', 'x\\ud83dy', '\\ude00\\ud83d'):
        await alice.send_text('{"type":"send","client_id":"s","conversation_id":"conv_abc123",'
                              f'"content":"{content}"}}')
        error = await alice.expect('error', client_id='s')
        assert error['code'] == 'invalid_argument', error
    assert (await alice.say(conversation, 'still here'))['seq'] == 1


@scenario
async def content_is_1_byte_to_64_kib_of_utf_8(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'x')
    await alice.say(conversation, 'x' * 65536)
    await alice.say(conversation, 'é' * 32768)
    await alice.say(conversation, '\x01' * 65536)
    for content, code in (('', 'invalid_argument'), ('x' * 65537, 'payload_too_large'),
                          ('é' * 32768 + 'x', 'payload_too_large')):
        await alice.send(type='send', client_id='big', conversation_id=conversation,
                         content=content)
        error = await alice.expect('error', client_id='big')
        assert error['code'] == code and error['conversation_id'] == conversation, error
        answer = await world.server.call(
            'POST', f'/conversation/{conversation}/messages', 'alice',
            json={'client_id': 'big', 'content': content})
        assert answer.code == code, answer
    await bob.messages(conversation, 4)


@scenario
async def a_repeated_client_id_gets_the_same_seq(world):
    conversation, alice, bob = await world.talk()
    first = await alice.say(conversation, 'hey', 'once')
    again = await alice.say(conversation, 'hey', 'once')
    other = await alice.say(conversation, 'something else', 'once')
    assert first == again == other, 'the first message stands'
    tablet = await world.device('alice', 'tablet')
    assert (await tablet.say(conversation, 'hey', 'once'))['seq'] == 1
    answer = await world.server.call('POST', f'/conversation/{conversation}/messages', 'alice',
                                     json={'client_id': 'once', 'content': 'hey'})
    assert answer.status == 200 and answer.json['seq'] == 1, answer
    assert (await alice.say(conversation, 'next'))['seq'] == 2
    await bob.messages(conversation, 2)
    assert [frame['content'] for frame in bob.frames('message')] == ['hey', 'next']


@scenario
async def a_repeated_client_id_gets_the_same_seq_after_a_kill(world):
    conversation, alice, _ = await world.talk()
    first = await alice.say(conversation, 'hey', 'once')
    await world.server.restart()
    await alice.connect()
    assert await alice.say(conversation, 'hey', 'once') == first


@scenario
async def the_same_client_id_on_two_devices_at_once_is_one_message(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('alice', 'tablet')
    for number in range(20):
        one, two = await asyncio.gather(alice.say(conversation, 'hey', f'race-{number}'),
                                        tablet.say(conversation, 'hey', f'race-{number}'))
        assert one['seq'] == two['seq'] == number + 1, (one, two)
    await bob.messages(conversation, 20)
    assert bob.seqs(conversation) == list(range(1, 21))


@scenario
async def a_client_id_is_unique_per_user_and_conversation(world):
    conversation, alice, bob = await world.talk()
    other = await world.conversation('alice', 'carol')
    assert (await alice.say(conversation, 'a', 'same'))['seq'] == 1
    assert (await bob.say(conversation, 'b', 'same'))['seq'] == 2
    assert (await alice.say(other, 'c', 'same'))['seq'] == 1


@scenario
async def sending_over_http_answers_201_and_then_200(world):
    conversation, alice, bob = await world.talk()
    path = f'/conversation/{conversation}/messages'
    first = await world.server.call('POST', path, 'alice', 'phone',
                                    json={'client_id': 'h1', 'content': 'hey'})
    assert first.status == 201, first
    assert set(first.json) == {'conversation_id', 'seq', 'timestamp'} and first.json['seq'] == 1
    again = await world.server.call('POST', path, 'alice', 'phone',
                                    json={'client_id': 'h1', 'content': 'hey'})
    assert again.status == 200 and again.json == first.json, again
    assert (await bob.expect('message'))['content'] == 'hey'
    own = await alice.expect('message')
    assert own['client_id'] == 'h1', 'a socket of the same device gets it as message'


@scenario
async def my_other_device_gets_it_with_client_id_and_my_socket_gets_sent(world):
    conversation, alice, bob = await world.talk()
    tablet = await world.device('alice', 'tablet')
    await alice.say(conversation, 'hey', 'mine')
    copy = await tablet.expect('message')
    assert copy['client_id'] == 'mine' and copy['sender'] == 'alice', copy
    got = await bob.expect('message')
    assert 'client_id' not in got, got
    await alice.fence()
    assert alice.frames('message') == []


@scenario
async def a_stranger_can_neither_send_nor_learn_that_it_exists(world):
    conversation, alice, _ = await world.talk()
    eve = await world.device('eve')
    errors = []
    for target in (conversation, 'conv_nowhere'):
        await eve.send(type='send', client_id='e', conversation_id=target, content='hi')
        error = await eve.expect('error', client_id='e')
        assert error.pop('conversation_id') == target
        errors.append(error)
    assert errors[0] == errors[1] and errors[0]['code'] == 'not_found', errors
    assert (await alice.say(conversation, 'first'))['seq'] == 1


@scenario
async def what_was_sent_is_there_after_a_kill(world):
    conversation, alice, _ = await world.talk()
    seqs = await alice.say_many(conversation, 100)
    await world.server.restart()
    chat = await world.server.get(f'/conversation/{conversation}?after=0&limit=200', 'bob')
    assert [one['seq'] for one in chat['messages']] == seqs == list(range(1, 101))
    await world.server.kill()
    await world.server.verify()
