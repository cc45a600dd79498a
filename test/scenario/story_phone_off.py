"""story_phone_off: the first source document, literally, with a kill -9 on each of its days."""
import re

from client import calls, clock
from client.scenario import scenario

TEXTS = {42: 'hey', 43: 'where are you?', 44: 'hello??', 45: 'is everything okay?',
         46: 'call me when you can'}
CONV = 'conv_abc123'


def tick(cursors, seq):
    """What Alice's screen draws, from nothing but the two cursors."""
    if seq <= cursors['last_read_seq']:
        return 'blue'
    return 'two' if seq <= cursors['last_delivered_seq'] else 'one'


async def set_up(world, *options):
    """41 messages, all read by Bob; then his battery dies."""
    conversation, alice, bob = await world.talk(options)
    await alice.say_many(conversation, 41)
    await bob.messages(conversation, 41)
    await bob.read(conversation, 41)
    await alice.expect('status_update', last_read_seq=41)
    await bob.drop()
    return alice, bob


async def day(world, alice, seqs):
    """Alice sends; each gets its single tick. At night the server dies."""
    for seq in seqs:
        sent = await alice.say(CONV, TEXTS[seq])
        assert sent['seq'] == seq, sent
    cursors = await world.server.get(f'/conversation/{CONV}', 'alice')
    assert [tick(cursors, seq) for seq in seqs] == ['one'] * len(seqs), cursors
    await world.server.restart()
    await alice.connect()
    await alice.caught_up()


@scenario
async def phone_off_three_days_with_a_kill_on_each_day(world):
    alice, bob = await set_up(world)
    await day(world, alice, [42, 43])
    await day(world, alice, [44, 45])
    await day(world, alice, [46])
    cursors = await world.server.get(f'/conversation/{CONV}', 'alice')
    assert (cursors['last_delivered_seq'], cursors['last_read_seq']) == (41, 41), cursors
    assert cursors['head_seq'] == 46
    why = await world.server.get(f'/conversation/{CONV}/messages/42/why', 'alice')
    assert why['tick'] == 'one' and why['members'][0]['waiting_for'] == 'connection', why

    hello = await bob.connect()
    assert hello['resumed'] is True, hello
    await bob.caught_up()
    got = [(frame['seq'], frame['content'], frame['sender']) for frame in bob.frames('message')]
    assert got == [(seq, text, 'alice') for seq, text in TEXTS.items()], got
    await alice.fence()
    assert alice.frames('status_update') == [], 'connected is not delivered'

    await bob.delivered(CONV, 46)
    update = await alice.expect('status_update')
    assert update == {'type': 'status_update', 'conversation_id': CONV, 'user_id': 'bob',
                      'last_delivered_seq': 46}, update
    cursors = await world.server.get(f'/conversation/{CONV}', 'alice')
    assert [tick(cursors, seq) for seq in TEXTS] == ['two'] * 5, cursors

    await bob.read(CONV, 46)
    update = await alice.expect('status_update')
    assert update == {'type': 'status_update', 'conversation_id': CONV, 'user_id': 'bob',
                      'last_read_seq': 46}, update
    cursors = await world.server.get(f'/conversation/{CONV}', 'alice')
    assert [tick(cursors, seq) for seq in range(1, 47)] == ['blue'] * 46, cursors
    assert len(alice.frames('status_update')) == 2, alice.frames('status_update')
    await world.server.stop()
    await world.server.verify()


@scenario
async def the_notification_alone_changes_nothing(world):
    alice, bob = await set_up(world, '--push-delay', '50ms')
    answer = await world.server.call('PUT', '/device/phone/push', 'bob', 'phone',
                                     json={'provider': 'apns', 'token': '0f' * 32})
    assert answer.status == 200, answer
    await alice.say(CONV, TEXTS[42])

    async def has_rung():
        metrics = (await calls.call(world.server.admin, 'GET', '/metrics')).text
        return any(float(value) >= 1 for value in re.findall(
            r'^twoticks_\w*notifications\w*(?:\{.*\})? (\S+)$', metrics, re.M))
    await clock.until(60, has_rung, 'the phone was rung for')
    cursors = await world.server.get(f'/conversation/{CONV}', 'alice')
    assert tick(cursors, 42) == 'one', cursors
    why = await world.server.get(f'/conversation/{CONV}/messages/42/why', 'alice')
    assert why['tick'] == 'one', why
    assert [one['last_read_seq'] for one in alice.frames('status_update')] == [41]


@scenario
async def the_drill_command_plays_the_story_on_a_private_server(world):
    server = world.unstarted()
    code, output = await server.run('drill', 'phone-off', '--days', 3)
    assert code == 0, output
    for line in ('Bob\'s phone is on', 'double tick ✓✓', 'blue tick ✓✓', ' 0 wrong'):
        assert line in output, output


@scenario
async def the_drill_command_plays_the_story_on_a_running_server(world):
    server = await world.serve()
    url = 'http://%s:%d' % server.address
    code, output = await server.run('drill', 'phone-off', '--days', 3, '--url', url,
                                    '--data', server.data)
    assert code == 0, output
