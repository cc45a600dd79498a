"""scenario: what a test is, and the runner that plays many of them side by side."""
import argparse
import asyncio
import json
import os
import time
import traceback

from client import clock
from client.device import Device
from client.raw_socket import RawSocket
from client.server import Server

SCENARIO_SECONDS = 300  # far more than any needs: the machine may be busy
scenarios = []


def scenario(function):
    """Marks a coroutine function as a test; its name is the sentence that it proves."""
    assert function.__name__ not in [one.__name__ for one in scenarios], function.__name__
    scenarios.append(function)
    return function


class World:
    """One test's servers, devices and short cuts; takes everything down at the end."""

    def __init__(self, program, nodes):
        self.program = program
        self.nodes = nodes
        self.server = None
        self.servers = []
        self.devices = []
        self.raws = []

    async def serve(self, *options, **more):
        """Starts a server with these options; the first one is `world.server`."""
        server = Server(self.program, self.nodes, options, **more)
        self.servers.append(server)
        self.server = self.server or server
        await server.start()
        return server

    def unstarted(self, *options, **more):
        server = Server(self.program, self.nodes, options, **more)
        self.servers.append(server)
        return server

    def absent(self, user, device='phone', server=None):
        """A device that is off."""
        made = Device(server or self.server, user, device)
        self.devices.append(made)
        return made

    async def device(self, user, device='phone', server=None, **more):
        """A device that is connected and has caught up."""
        made = self.absent(user, device, server)
        await made.connect(**more)
        return await made.caught_up()

    async def raw(self, *args):
        made = RawSocket(self.server)
        self.raws.append(made)
        return await made.connect(*args)

    async def conversation(self, *members, kind='direct', **more):
        """Creates one, as its first member; returns its id."""
        answer = await self.server.call('POST', '/conversation', members[0], json={
            'kind': kind, 'members': list(members), **more})
        assert answer.status == 201, answer
        return answer.json['conversation_id']

    async def group(self, *members, **more):
        return await self.conversation(*members, kind='group', **more)

    async def talk(self, options=()):
        """Alice's and Bob's phones, connected, in one direct conversation."""
        await self.serve(*options)
        conversation = await self.conversation('alice', 'bob', conversation_id='conv_abc123')
        return conversation, await self.device('alice'), await self.device('bob')

    async def end(self, failed):
        for device in self.devices:
            if device.socket is not None:
                device.socket.transport.abort()
        for raw in self.raws:
            raw.end()
        for server in self.servers:
            await server.__aexit__(AssertionError if failed else None, None, None)


class Runner:
    def __init__(self, program, nodes, jobs):
        self.program = program
        self.nodes = nodes
        self.turn = asyncio.Semaphore(jobs)
        self.passed = []
        self.failed = []

    async def play(self, function):
        async with self.turn:
            world = World(self.program, self.nodes)
            started = time.monotonic()
            error = None
            try:
                await clock.within(SCENARIO_SECONDS, function(world), 'the scenario has ended')
            except Exception as caught:
                error = caught
            try:
                await world.end(error is not None)
            except Exception as caught:
                error = error or caught
            seconds = time.monotonic() - started
            if error is None:
                self.passed.append(function.__name__)
                print(f'ok      {function.__name__} ({seconds:.1f} s)', flush=True)
                return
            self.failed.append(function.__name__)
            print(f'FAILED  {function.__name__} ({seconds:.1f} s)', flush=True)
            print(''.join(traceback.format_exception(error)[-4:]).rstrip())
            for server in world.servers:
                print(f'    the server said: {server.output[-1500:].rstrip()}')


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--program', default='build/release/twoticks', type=os.path.abspath)
    parser.add_argument('--report', help='writes the names of passed and failed tests there')
    parser.add_argument('--patience', type=float, default=1.0,
                        help='multiplies every deadline, for slow builds')
    return parser


def report(path, passed, failed):
    """Prints the outcome and returns the exit code."""
    if path:
        with open(path, 'w') as out:
            json.dump({'passed': passed, 'failed': failed}, out)
    print(f'{len(passed)} passed, {len(failed)} failed')
    return 1 if failed or not passed else 0


def main(description):
    parser = arguments(description)
    parser.add_argument('--nodes', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=12, help='tests to play side by side')
    parser.add_argument('names', nargs='*', help='play only tests whose name holds one of these')
    options = parser.parse_args()
    clock.set_patience(options.patience)
    chosen = [one for one in scenarios
              if not options.names or any(name in one.__name__ for name in options.names)]

    async def play_all():
        runner = Runner(options.program, options.nodes, options.jobs)
        await asyncio.gather(*(runner.play(one) for one in chosen))
        return runner

    runner = asyncio.run(play_all())
    return report(options.report, sorted(runner.passed), sorted(runner.failed))
