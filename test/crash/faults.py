"""faults: the program under load meets a call that kills it, fails or comes short."""
import asyncio
import collections
import os
import shutil

from client import clock
from ledger import Ledger
from load import Load

GROUPS = 3
MEMBERS = 3
ROUNDS_OF_A_LIFE = 10  # then a new data folder
# So that the journal gets new files and the index is written every few hundred messages.
SMALL = ['--segment-bytes', '1MiB', '--memtable-bytes', '128KiB', '--disk-low', '1MiB']

EXIT_DISK = 74
END_SECONDS = 20  # of a program that must end
# What tells an operator to do something.
ADVICE = ('start again', 'check ', 'restore ', 'raise ', 'make room', 'stop it first', 'run ',
          'delete it', 'make the file readable')
LAST_WORDS = 'Everything acknowledged is there: see that the disk works'


class Hunt:
    """Rounds of load, a fault, and a look at what is left."""

    PLAYED = 'rounds'

    def __init__(self, program, fault, folder, chance):
        self.program = program
        self.fault = fault
        self.folder = folder
        self.chance = chance
        self.load = None
        self.seconds_max = 2.5  # of load without the fault's coming
        self.rounds_left = 0
        self.what = ''
        self.counts = collections.Counter()
        self.acknowledged = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.end_life()

    def output(self):
        return self.load.server.output if self.load else ''

    def keep(self, where):
        shutil.copytree(self.load.server.data, where,
                        ignore=shutil.ignore_patterns('control'))  # a socket

    def environ(self):
        """What the round's server gets."""
        return {}

    def wrapper(self):
        return []

    async def begin_life(self):
        self.load = Load(self.program, Ledger(), GROUPS, MEMBERS, SMALL, may_fail=True)
        await self.load.server.start()
        await self.load.create()
        await self.load.server.kill()
        self.rounds_left = ROUNDS_OF_A_LIFE

    async def end_life(self):
        if self.load is not None:
            self.acknowledged += self.load.ledger.count()
            await self.load.server.kill()
            shutil.rmtree(self.load.server.folder, ignore_errors=True)
            self.load = None

    async def until_it_ends(self):
        """Load until the server is dead, by itself or by us. Its exit code; None: it was us."""
        server = self.load.server
        try:
            await server.start()
        except AssertionError:
            return await server.refused()
        talking = self.load.begin()
        try:
            code = await asyncio.wait_for(server.process.wait(), self.seconds_max)
        except asyncio.TimeoutError:
            code = await self.end_of_who_lives()
        await server.kill()
        await self.load.end(talking)
        return code

    async def end_of_who_lives(self):
        """After the time of the load: the exit code of what ends late; None: it may go on."""

    async def round(self):
        if self.rounds_left == 0:
            await self.end_life()
            await self.begin_life()
        self.rounds_left -= 1
        server = self.load.server
        plain = server.environ
        server.environ = {**plain, **self.environ()}
        server.wrapper = self.wrapper()
        server.output = ''
        server.nodes = self.chance.choice((1, 3))
        before = self.load.ledger.count()
        try:
            code = await self.until_it_ends()
        finally:
            server.environ = plain
            server.wrapper = []
            await server.kill()
        said = self.judge(code)
        self.counts[said] += 1
        await self.survive()
        return f'{said}, {self.load.ledger.count() - before} acknowledged'

    async def survive(self):
        await self.load.server.verify()
        await self.load.server.start()
        await self.load.check()
        await self.load.server.kill()

    def judge(self, code):
        """How it ended, in words; a way that it must not end by is a failure."""
        raise NotImplementedError

    def ending(self, code):
        """Of a program that ended by itself, in words."""
        if code == EXIT_DISK:
            assert 'nothing is acknowledged any more' in self.output()
            return 'ended with a sentence'
        if code == 1:
            assert any(part in self.output() for part in ADVICE), 'no sentence says what to do'
            return 'refused to start'
        assert code == -6, f'ended with {code}'
        assert 'src/' not in self.output() or 'out_of_memory' in self.output(), 'a check of our own'
        assert LAST_WORDS in self.output(), 'no last words'
        return 'aborted by a library, with a sentence'

    def rounds(self, wanted):
        """How many there can be."""
        return wanted

    def summary(self):
        done = self.acknowledged + (self.load.ledger.count() if self.load else 0)
        ways = ', '.join(f'{count} {way}' for way, count in self.counts.most_common())
        return f'{sum(self.counts.values())} {self.PLAYED}: {ways}; {done} messages acknowledged'

    def shortcomings(self):
        """What a hunt must have come to, or it showed nothing."""
        return []


class Injected(Hunt):
    """With the preloaded library: fault.c says what the words mean. A round in which the fault did
    not come is none: it is played again, with an earlier one."""

    LATEST = {'write': 1200, 'sync': 600, 'open': 60, 'move': 25, 'room': 20, 'any': 1500}
    TRIES_MAX = 12
    PLAYED = 'tries'
    CALLS = ()  # more often what is there twice
    NONE_CAME = 'the fault did not come'

    def __init__(self, *args):
        super().__init__(*args)
        self.calls = self.CALLS
        self.came = collections.Counter()  # at which calls
        self.tries = 0  # of this round

    def plan(self, call):
        """(kind, stays)"""
        raise NotImplementedError

    async def round(self):
        self.call = self.chance.choice(self.calls)
        for self.tries in range(self.TRIES_MAX):
            said = await super().round()
            if self.fired():
                self.came[self.call] += 1
                return said
        raise AssertionError(f'in {self.TRIES_MAX} tries {self.NONE_CAME}')

    def environ(self):
        call = self.call
        kind, stays = self.plan(call)
        # Half of them early: opening and recovering is a small part of a life.
        latest = self.LATEST[call] if self.chance.random() < 0.5 else self.LATEST[call] // 20 + 5
        at = self.chance.randint(1, max(1, latest >> self.tries))
        self.what = f'{kind} at the {at}. {call}' + (' and all later ones' if stays else '')
        self.report = self.folder / 'report'
        self.report.unlink(missing_ok=True)
        return {'LD_PRELOAD': self.fault, 'FAULT_UNDER': os.path.realpath(self.load.server.data),
                'FAULT_CALL': call, 'FAULT_KIND': kind, 'FAULT_AT': str(at),
                'FAULT_STAYS': '1' if stays else '0', 'FAULT_REPORT': str(self.report)}

    def fired(self):
        return self.report.exists() and self.report.read_text() != ''

    def summary(self):
        came = ', '.join(f'{count} {call}' for call, count in self.came.most_common())
        return f'{sum(self.came.values())} rounds in which it came: {came}; {super().summary()}'


class Write(Injected):
    CALLS = ('write', 'write', 'sync', 'open', 'move', 'room', 'any')

    def plan(self, call):
        return self.chance.choice(('torn', 'kill', 'after') if call in ('write', 'any')
                                  else ('kill', 'after')), False

    def judge(self, code):
        if not self.fired():
            assert code is None, f'ended with {code}'
            return self.NONE_CAME
        assert code in (None, 137), f'ended with {code}'  # None: as the time for it was over
        return 'killed'


class Fail(Injected):
    CALLS = ('write', 'write', 'sync', 'sync', 'open', 'move', 'room')

    def plan(self, call):
        return self.chance.choice(('EIO', 'ENOSPC')), self.chance.random() < 0.5

    async def end_of_who_lives(self):
        """What a failed sync of the journal leaves behind is not known: nobody may go on from it.
        A kill would not show it, for what was written is still in the kernel's memory."""
        if self.call == 'sync' and self.fired() and '/store/journal' in self.report.read_text():
            return await clock.within(END_SECONDS, self.load.server.process.wait(),
                                      'the server ends, as the journal could not be synced')
        return None

    def judge(self, code):
        if not self.fired():
            assert code is None, f'ended with {code}'
            return self.NONE_CAME
        return 'went on' if code is None else self.ending(code)


class Short(Injected):
    CALLS = ('write',)

    def plan(self, call):
        return 'short', True

    def judge(self, code):
        assert code is None, f'ended with {code}, though short writes are no failure'
        return 'went on' if self.fired() else self.NONE_CAME


class Memory(Hunt):
    """An address space too small for the program, or for its load."""

    def wrapper(self):
        mib = self.chance.randint(60, 900)
        self.what = f'{mib} MiB'
        return ['prlimit', f'--as={mib << 20}', '--core=0', '--']

    def judge(self, code):
        if code == 127:  # too little to load the libraries
            assert 'cannot allocate memory' in self.output().lower() or \
                'failed to map segment' in self.output(), 'no word about memory'
            return 'could not be loaded'
        return 'went on' if code is None else self.ending(code)
