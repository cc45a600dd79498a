"""groups: the slowest of the others decides what a sender is shown."""
import asyncio

from client.scenario import scenario


async def three(world):
    await world.serve()
    group = await world.group('alice', 'bob', 'carol', title='Three')
    devices = [await world.device(user) for user in ('alice', 'bob', 'carol')]
    return group, *devices


@scenario
async def a_group_is_blue_only_when_the_last_member_has_read(world):
    group, alice, bob, carol = await three(world)
    await alice.say(group, 'hello')
    await bob.messages(group, 1)
    await carol.messages(group, 1)
    await bob.read(group, 1)
    chat = await world.server.get(f'/conversation/{group}', 'alice')
    assert (chat['last_delivered_seq'], chat['last_read_seq']) == (0, 0), chat
    assert alice.frames('status_update') == []
    await carol.delivered(group, 1)
    update = await alice.expect('status_update')
    assert update['last_delivered_seq'] == 1 and 'last_read_seq' not in update, update
    assert update['user_id'] == 'carol'
    await carol.read(group, 1)
    update = await alice.expect('status_update')
    assert update['last_read_seq'] == 1 and 'last_delivered_seq' not in update, update


@scenario
async def two_members_who_ack_at_the_same_instant_move_the_minimum(world):
    await world.serve()
    others = [f'member-{number}' for number in range(6)]
    group = await world.group('alice', *others)
    alice = await world.device('alice')
    devices = [await world.device(user) for user in others]
    for seq in range(1, 26):
        await alice.say(group, 'now')
        await asyncio.gather(*(device.messages(group, seq) for device in devices))
        await asyncio.gather(*(device.delivered(group, seq) for device in devices))
        await alice.expect('status_update', last_delivered_seq=seq)
        await asyncio.gather(*(device.read(group, seq) for device in devices))
        await alice.expect('status_update', last_read_seq=seq)


@scenario
async def each_member_is_shown_the_minimum_over_its_own_fellows(world):
    group, alice, bob, carol = await three(world)
    await alice.say(group, 'one')
    await bob.messages(group, 1)
    await bob.read(group, 1)
    update = await carol.expect('status_update')
    assert (update['last_delivered_seq'], update['last_read_seq']) == (1, 1), update
    chat = await world.server.get(f'/conversation/{group}', 'carol')
    assert (chat['last_delivered_seq'], chat['last_read_seq']) == (1, 1), chat
    one = {member['user_id']: member['last_read_seq'] for member in chat['members']}
    assert one == {'alice': 1, 'bob': 1}, one


@scenario
async def a_group_has_no_bob_status_but_members(world):
    group, alice, bob, carol = await three(world)
    chat = await alice.open(group)
    assert not [key for key in chat if key.endswith('_status')], chat
    assert {one['user_id'] for one in chat['members']} == {'bob', 'carol'}
    await bob.close()
    told = await alice.expect('presence', user_id='bob')
    assert told['conversation_id'] == group and told['status']['online'] is False, told
    assert 'bob_status' not in told


@scenario
async def a_group_of_one_is_blue_at_once(world):
    await world.serve()
    answer = await world.server.call('POST', '/conversation', 'alice', json={
        'kind': 'group', 'members': ['alice']})
    assert answer.status in (201, 400), answer
    if answer.status == 201:
        alice = await world.device('alice')
        assert (await alice.say(answer.json['conversation_id'], 'note'))['seq'] == 1


@scenario
async def a_big_group_hears_everything(world):
    await world.serve()
    others = [f'user-{number}' for number in range(40)]
    group = await world.group('alice', *others)
    alice = await world.device('alice')
    devices = await asyncio.gather(*(world.device(user) for user in others))
    await alice.say_many(group, 5)
    for device in devices:
        assert await device.messages(group, 5) == [1, 2, 3, 4, 5]
