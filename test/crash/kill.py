#!/usr/bin/python3
"""kill: kills the server at random instants under load; everything promised must still be true.

usage: kill.py [--program build/release/twoticks] [--rounds 10] [--seed N]
"""
import asyncio
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from client import clock, scenario  # noqa: E402
from ledger import Ledger  # noqa: E402
from load import Load  # noqa: E402

GROUPS = 10
MEMBERS = 5  # of each group, all of them senders
ROUNDS_OF_A_LIFE = 25  # then a new data folder, since each check reads everything


async def one_round(load, seconds):
    await load.server.start()
    talking = load.begin()
    await clock.pass_seconds(seconds)
    await load.server.kill()
    await load.end(talking)
    await load.server.verify()
    await load.server.start()
    await load.check()
    await load.server.kill()


async def play_one_life(options, chance, numbers, passed, failed):
    """Some rounds on one data folder; returns how many messages were acknowledged."""
    ledger = Ledger()
    load = Load(options.program, ledger, GROUPS, MEMBERS)
    server = load.server
    async with server:
        await load.create()
        await server.kill()
        for number in numbers:
            name = f'round_{number}'
            server.nodes = chance.choice((1, 3))
            started, before = time.monotonic(), ledger.count()
            try:
                await one_round(load, chance.uniform(0.3, 1.5))
                passed.append(name)
                print(f'ok      {name}: {server.nodes} nodes, {ledger.count() - before} '
                      f'acknowledged ({time.monotonic() - started:.1f} s)', flush=True)
            except Exception as error:
                failed.append(name)
                print(f'FAILED  {name}: {type(error).__name__}: {error}\n'
                      f'{server.output[-3000:]}', flush=True)
                await server.kill()
                break
    return ledger.count()


async def play(options):
    chance = random.Random(options.seed)
    passed, failed = [], []
    acknowledged = 0
    for first in range(1, options.rounds + 1, ROUNDS_OF_A_LIFE):
        numbers = range(first, min(first + ROUNDS_OF_A_LIFE, options.rounds + 1))
        acknowledged += await play_one_life(options, chance, numbers, passed, failed)
        if failed:
            break
    if acknowledged < 10 * options.rounds:
        failed.append('there_was_a_load')
    print(f'{acknowledged} messages acknowledged, {len(passed)} kills')
    return passed, failed


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    clock.set_patience(options.patience)
    print(f'seed {options.seed}')
    with tempfile.TemporaryDirectory(prefix='twoticks-kill-') as folder:
        # A copy: who builds meanwhile must not change what is tested.
        options.program = shutil.copy2(options.program, folder)
        return scenario.report(options.report, *asyncio.run(play(options)))


if __name__ == '__main__':
    sys.exit(main())
