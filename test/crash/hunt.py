#!/usr/bin/python3
"""hunt: crashes and damage of the real program, each kind as one command.

usage: hunt.py KIND [--rounds N|all] [--call CALL] [--seed N] [--program build/release/twoticks]

  write   killed before, in the middle of or after its n-th call that writes, syncs, opens, moves
          or makes room; --call: only of these (write, sync, open, move, room)
  fail    the n-th such call fails (EIO, ENOSPC), once or from then on; --call likewise
  short   from the n-th on, every write comes short
  memory  too little memory
  power   the power is cut: what was not synced is gone (needs root)
  cut     the journal is cut at a byte of its last batch (--rounds all: at every one)
  flip    a byte flips anywhere in the data folder
  lost    a file of the store is gone, or empty (--rounds all: every one)

A round of write, fail or short is one in which the fault came: until it does, it is played again.
The line at the end says at which calls. After each the program starts or refuses with a clear
sentence, and never serves a lie: what was acknowledged is there with its content, seqs are 1..n, no
cursor went back or beyond what was acked.
"""
import asyncio
import math
import pathlib
import random
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import damage  # noqa: E402
import faults  # noqa: E402
import power  # noqa: E402
from client import clock, scenario  # noqa: E402

KINDS = {
    'write': faults.Write, 'fail': faults.Fail, 'short': faults.Short, 'memory': faults.Memory,
    'power': power.Power, 'cut': damage.Cut, 'flip': damage.Flip, 'lost': damage.Lost,
}


async def play(hunt, options):
    passed, failed = [], []
    async with hunt:
        for number in range(1, hunt.rounds(options.rounds) + 1):
            name = f'{options.kind}_{number}'
            started = time.monotonic()
            try:
                said = await hunt.round()
            except Exception as error:
                failed.append(name)
                print(f'FAILED  {name}: {hunt.what}: {type(error).__name__}: {error}\n'
                      f'{hunt.output()[-3000:]}', flush=True)
                if options.keep:
                    hunt.keep(options.keep)
                break
            passed.append(name)
            if options.verbose:
                print(f'ok      {name}: {hunt.what}: {said} ({time.monotonic() - started:.1f} s)',
                      flush=True)
        print(hunt.summary())
        if not failed:
            failed += hunt.shortcomings()
    return passed, failed


def rounds(text):
    return math.inf if text == 'all' else int(text)


def check(parser, options):
    """That these go together."""
    kind = KINDS[options.kind]
    if options.rounds == math.inf and not issubclass(kind, damage.Planned):
        parser.error(f'--rounds all: of {options.kind} there is no end')
    if options.call and options.call not in getattr(kind, 'CALLS', ()):
        parser.error(f'--call {options.call}: not of {options.kind}')


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.add_argument('kind', choices=list(KINDS))
    parser.add_argument('--rounds', type=rounds, default=10,
                        help='how many, or all that there are (cut, lost)')
    parser.add_argument('--call', choices=['write', 'sync', 'open', 'move', 'room'],
                        help='the only one that a fault comes at (write, fail)')
    parser.add_argument('--seconds', type=float, default=2.5,
                        help='of load, where a fault does not come')
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32))
    parser.add_argument('--verbose', action='store_true', help='a line for every round')
    parser.add_argument('--keep', help='copies the data folder of a failed round there')
    options = parser.parse_args()
    check(parser, options)
    clock.set_patience(options.patience)
    many = 'all' if options.rounds == math.inf else options.rounds
    print(f'{options.kind}, {many} rounds, seed {options.seed}')
    with tempfile.TemporaryDirectory(prefix='twoticks-hunt-') as folder:
        # Copies: who builds meanwhile must not change what is tested.
        fault = pathlib.Path(options.program).parent / 'test/crash/fault.so'
        program = shutil.copy2(options.program, folder)
        hunt = KINDS[options.kind](program, shutil.copy2(fault, folder), pathlib.Path(folder),
                                   random.Random(options.seed))
        hunt.seconds_max = options.seconds
        if options.call:
            hunt.calls = (options.call,)
        return scenario.report(options.report, *asyncio.run(play(hunt, options)))


if __name__ == '__main__':
    sys.exit(main())
