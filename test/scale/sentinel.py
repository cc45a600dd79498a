#!/usr/bin/python3
"""sentinel: the Redis master dies, its sentinels make the replica the master, and the servers find
it by themselves. With a password.

usage: sentinel.py [--program build/release/twoticks]
"""
import asyncio
import contextlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import doubles  # noqa: E402  (found only now)
import run  # noqa: E402
from client import clock, scenario  # noqa: E402
from client.device import Device  # noqa: E402

NAME = 'servers_follow_the_sentinels_to_the_new_master'
CONV = 'conv_abc123'
PASSWORD, IN_URL = 'p@ss/word', 'p%40ss%2Fword'
FAILOVER_SECONDS = 40


class Sentinel:
    def __init__(self, master):
        self.folder = tempfile.TemporaryDirectory(prefix='twoticks-sentinel-')
        self.port = doubles.free_port()
        file = pathlib.Path(self.folder.name) / 'sentinel.conf'
        file.write_text(f'''port {self.port}
bind 127.0.0.1
dir {self.folder.name}
sentinel monitor main 127.0.0.1 {master.port} 2
sentinel auth-pass main {PASSWORD}
sentinel down-after-milliseconds main 2000
sentinel failover-timeout main 8000
''')
        self.child = subprocess.Popen(['redis-server', str(file), '--sentinel'],
                                      stdout=subprocess.DEVNULL)

    def close(self):
        self.child.terminate()
        self.child.wait()
        self.folder.cleanup()


def ask(port, *words):
    answer = subprocess.run(['redis-cli', '-p', str(port), *words], capture_output=True, text=True,
                            check=False, env={'REDISCLI_AUTH': PASSWORD, 'PATH': '/usr/bin'})
    return answer.stdout


@contextlib.contextmanager
def redis_with_sentinels():
    """(the master, the replica, the sentinels), all knowing of each other."""
    secret = ('--requirepass', PASSWORD, '--masterauth', PASSWORD)
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(doubles.redis(*secret))
        replica = stack.enter_context(doubles.redis(*secret, '--replicaof', '127.0.0.1',
                                                    str(master.port)))
        sentinels = [stack.enter_context(contextlib.closing(Sentinel(master))) for _ in range(3)]
        yield master, replica, sentinels


async def all_know_each_other(master, sentinels):
    async def is_so():
        return 'state=online' in ask(master.port, 'INFO', 'replication') and all(
            'slaves=1,sentinels=3' in ask(one.port, 'INFO', 'sentinel') for one in sentinels)
    await clock.until(30, is_so, 'the sentinels know the replica and each other')


async def is_shown(server, online):
    async def shown():
        chat = await server.get(f'/conversation/{CONV}?open=0', 'alice')
        return chat['bob_status'].get('online') is online
    await clock.until(FAILOVER_SECONDS, shown, f'bob is shown {"online" if online else "offline"}')


async def play(options, tables, redis):
    master, replica, sentinels = redis
    await all_know_each_other(master, sentinels)
    place, environ = await run.Shared(tables, master).place(options.program)
    places = ','.join(f'127.0.0.1:{one.port}' for one in sentinels)
    place = (*place[:3], f'redis+sentinel://:{IN_URL}@{places}/main/3', *place[4:])
    servers = [run.ScaleServer(options.program, 1, (*place, '--server-id', f'ws_server_{number}'),
                               environ=environ) for number in (1, 2)]
    try:
        for server in servers:
            await server.start()
        answer = await servers[0].call('POST', '/conversation', 'alice', json={
            'members': ['alice', 'bob'], 'conversation_id': CONV})
        assert answer.status == 201, answer
        alice, bob = Device(servers[0], 'alice'), Device(servers[1], 'bob')
        await alice.connect()
        await bob.connect()
        await is_shown(servers[0], True)
        await alice.say(CONV, 'before')
        assert await bob.messages(CONV, 1) == [1]
        master.kill()
        assert (await alice.say(CONV, 'while there is no master'))['seq'] == 2
        assert await bob.messages(CONV, 2, within=FAILOVER_SECONDS) == [1, 2]

        async def is_master():
            return 'role:master' in ask(replica.port, 'INFO', 'replication')
        await clock.until(FAILOVER_SECONDS, is_master, 'the replica is the master')
        await is_shown(servers[0], True)
        place = ask(replica.port, '-n', '3', 'HGET', 'ws:bob', 'phone')
        assert place.startswith('ws_server_2.'), place
        await bob.close()
        await is_shown(servers[0], False)
        await alice.close()
        for server in servers:
            await server.stop()
    finally:
        for server in servers:
            await server.__aexit__(AssertionError, None, None)


def main():
    options = scenario.arguments(__doc__.splitlines()[0]).parse_args()
    clock.set_patience(options.patience)
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(doubles.node('dynalite.mjs'))
        redis = stack.enter_context(redis_with_sentinels())
        try:
            asyncio.run(play(options, tables, redis))
        except Exception as error:
            print(f'FAILED  {NAME}: {type(error).__name__}: {error}')
            return scenario.report(options.report, [], [NAME])
        return scenario.report(options.report, [NAME], [])


if __name__ == '__main__':
    sys.exit(main())
