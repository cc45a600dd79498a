#!/usr/bin/python3
"""run: plays the black-box scenarios on several servers that share DynamoDB and Redis.

usage: run.py [--program build/release/twoticks] [--servers N] [--brief] [NAME...]

--brief: only those that say most about several servers.

The devices of a scenario are spread over the servers in turn, so that whoever talks to somebody
does it across servers.
"""
import asyncio
import contextlib
import functools
import importlib
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / 'scenario')]

import doubles  # noqa: E402  (found only now)
from client import scenario  # noqa: E402
from client.server import Server  # noqa: E402

# What belongs to a single server with its own folder, and not to this mode.
EMBEDDED_ONLY = {
    'readme', 'program', 'run', 'packaging',
    'backup', 'crowds', 'hygiene', 'keys', 'verify',
}
# These ask for what only one server can have: a store as fast as the socket (dynalite stores some
# hundred rows a second), one in its own folder, that the server which is killed is the one where
# everybody is connected, or one which counts tries for itself.
ONE_SERVER_ONLY = {
    'unread_is_exact_to_999_and_then_1000', 'a_group_has_at_most_1024_members',
    'accounts_and_logins_survive_a_crash', 'a_long_backlog_arrives_in_order',
    'a_slow_consumer_costs_bounded_memory_and_loses_nothing',
    'more_sends_than_the_burst_are_rate_limited', 'last_seen_survives_a_kill_of_the_server',
    'logins_are_limited_by_address',
    'wrong_passwords_are_limited_by_account_known_or_not',
    'listing_accounts_without_a_server_changes_nothing',
    'accounts_that_root_adds_without_a_server_are_its_users',
    'files_of_another_user_are_named_with_what_to_do',
    'a_file_that_may_not_grow_ends_the_server_like_a_full_disk',
}
BRIEF = ('story_alice_sees',)
SECRET = 'the same secret on every server of this test'
ACCESS_KEY, KEY_SECRET, REGION = 'AKIDEXAMPLE', 'secret/of+example', 'eu-west-1'


class Shared:
    """The DynamoDB and the Redis of all scenarios; each has tables and a database of its own."""

    def __init__(self, dynamodb_port, redis):
        self.redis = redis
        self.worlds = 0
        self.environ = {
            'AWS_ENDPOINT_URL_DYNAMODB': f'http://127.0.0.1:{dynamodb_port}',
            'AWS_REGION': REGION, 'AWS_ACCESS_KEY_ID': ACCESS_KEY,
            'AWS_SECRET_ACCESS_KEY': KEY_SECRET,
        }

    async def place(self, program, redis=None):
        """Fresh tables and a fresh database: (options, environment) of servers that share them."""
        self.worlds += 1
        number = self.worlds
        prefix = f'w{number}_'
        process = await asyncio.create_subprocess_exec(
            program, 'store', 'init', '--no-backups', '--table-prefix', prefix,
            env={**os.environ, **self.environ}, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT)
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        url = f'redis://127.0.0.1:{(redis or self.redis).port}/{number % 4096}'
        return ('--store', 'dynamodb', '--registry', url, '--table-prefix', prefix), self.environ


@functools.cache
def vapid_key():
    """The one that all servers of this run have."""
    return subprocess.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
                           'ec_paramgen_curve:P-256'], check=True, capture_output=True,
                          text=True).stdout


class ScaleServer(Server):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.data.mkdir(mode=0o700, exist_ok=True)
        for name, text in (('secret', SECRET + '\n'), ('vapid.pem', vapid_key())):
            file = self.data / name
            if not file.exists():
                file.write_text(text)
                file.chmod(0o600)

    async def verify(self):
        """There is no folder to verify."""


class ScaleWorld(scenario.World):
    """As World, but `serve` starts several servers that are one system."""
    shared = None
    server_count = 2
    scale_server = ScaleServer

    def __init__(self, program, nodes):
        super().__init__(program, nodes)
        self.turn = 0
        self.cluster = []
        self.own_redis = None
        self.prefix = self.database = None

    async def serve_with_own_redis(self, *options, **more):
        """For tests that take Redis away."""
        self.own_redis = doubles.Redis('--databases', '4096')
        return await self.serve(*options, **more)

    async def end(self, failed):
        try:
            await super().end(failed)
        finally:
            if self.own_redis is not None:
                self.own_redis.close()

    async def serve(self, *options, **more):
        place, environ = await self.shared.place(self.program, self.own_redis)
        self.prefix = place[-1]
        self.database = int(place[3].rsplit('/', 1)[1])
        more['environ'] = {**environ, **more.get('environ', {})}
        cluster = []
        for number in range(1, self.server_count + 1):
            server = ScaleServer(self.program, self.nodes,
                                 (*options, *place, '--server-id', f'ws_server_{number}'), **more)
            self.servers.append(server)
            cluster.append(server)
            await server.start()
        if not self.cluster:
            self.cluster = cluster
        self.server = self.server or cluster[0]
        return cluster[0]

    def absent(self, user, device='phone', server=None):
        if server is None and self.cluster:
            server = self.cluster[self.turn % len(self.cluster)]
            self.turn += 1
        return super().absent(user, device, server)


def main():
    brief = '--brief' in sys.argv
    if brief:
        sys.argv.remove('--brief')
    for file in sorted((HERE.parent / 'scenario').glob('*.py')):
        if file.stem not in EMBEDDED_ONLY and (file.stem in BRIEF or not brief):
            importlib.import_module(file.stem)
    importlib.import_module('stories')
    importlib.import_module('moves')
    scenario.scenarios[:] = [one for one in scenario.scenarios
                             if one.__name__ not in ONE_SERVER_ONLY]
    parser_servers = [arg for arg in sys.argv if arg.startswith('--servers')]
    if parser_servers:
        at = sys.argv.index(parser_servers[0])
        ScaleWorld.server_count = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    with contextlib.ExitStack() as stack:
        tables = stack.enter_context(doubles.node('dynalite.mjs'))
        proxy = stack.enter_context(doubles.node('sigv4_proxy.mjs', tables, ACCESS_KEY, KEY_SECRET,
                                                 REGION))
        redis = stack.enter_context(doubles.redis('--databases', '4096'))
        ScaleWorld.shared = Shared(proxy, redis)
        scenario.World = ScaleWorld
        return scenario.main(__doc__.splitlines()[0])


if __name__ == '__main__':
    sys.exit(main())
