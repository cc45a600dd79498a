"""damage: what lies on the disk changes behind the program's back.

For every damage `twoticks verify` runs, and the server starts if it can. Whatever then is served
must be right: an error is one, a gap, another content or a cursor that moved is a lie. Where
`verify` says that all is well, everything must be there.
"""
import asyncio
import collections
import os
import shutil
import struct

from client import clock
from faults import ADVICE, LAST_WORDS, SMALL
from ledger import Ledger
from load import Load

FRAME = struct.Struct('<4sIQQIIII')
FRAME_MAGIC = b'\xffT\xfeJ'
HEADER_BYTES = 64
GROUPS = 3
MEMBERS = 3


class Lie(AssertionError):
    pass


def cursors_of(chat):
    """user -> (delivered, read), as far as a snapshot shows them."""
    return {one['user_id']: (one['last_delivered_seq'], one['last_read_seq'])
            for one in chat['members']}


class Damage:
    """A data folder that is made once, and damaged again and again in a copy."""

    def __init__(self, program, fault, folder, chance):
        self.program = program
        self.folder = folder
        self.chance = chance
        self.ledger = Ledger()
        self.load = None
        self.what = ''
        self.in_store = True  # what is damaged; `verify` looks at nothing else
        self.may_lack = 0  # messages that may be missing though nothing is found
        self.lacking = 0
        self.cursors = {}  # (conversation, viewer) -> what is shown where nothing is damaged
        self.counts = collections.Counter()
        self.whole = folder / 'whole'
        self.data = folder / 'data'

    async def __aenter__(self):
        """Some of the messages are in the index, all of the last are in the journal only."""
        self.load = Load(self.program, self.ledger, GROUPS, MEMBERS, SMALL, data=self.data)
        server = self.load.server
        await server.start()
        await self.load.create()
        await self.talk(600)
        await server.stop()
        await server.start()
        await self.talk(900)
        await server.kill()
        shutil.copytree(self.data, self.whole, ignore=shutil.ignore_patterns('control'))
        await self.look_undamaged()
        server.output = ''
        return self

    async def look_undamaged(self):
        await self.load.server.start()
        await self.load.check()
        for conversation, viewer in self.viewers():
            answer = await self.snapshot(conversation, viewer)
            assert answer.status == 200, answer
            self.cursors[conversation, viewer] = cursors_of(answer.json)
        await self.load.server.kill()

    def unproven(self):
        """The last file of the journal, from where on in it damage looks like a torn end, and how
        many records follow there: none behind a marker, which proves the batch before it. A batch
        without one ends where the marker before it does, if that is damaged."""
        journal = max((self.whole / 'store/journal').glob('journal-*'))
        frames = list(frames_of(journal.read_bytes()))
        start, _, records = frames[-1]
        if records > 0 and len(frames) > 1 and frames[-2][2] == 0:
            start = frames[-2][0]
        return journal, start, records

    def viewers(self):
        """Two of each conversation, who see the cursors of all its members."""
        return [(conversation, user) for conversation, users in self.load.groups.items()
                for user in users[:2]]

    async def snapshot(self, conversation, viewer):
        return await self.load.server.call(
            'GET', f'/conversation/{conversation}?limit=1&open=0', viewer)

    async def talk(self, messages):
        """Until so many are acknowledged in all."""
        async def enough():
            return self.ledger.count() >= messages
        talking = self.load.begin()
        await clock.until(60, enough, f'{messages} messages')
        for one in talking:
            one.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    async def __aexit__(self, *_):
        await self.load.server.kill()
        shutil.rmtree(self.load.server.folder, ignore_errors=True)

    def output(self):
        return self.load.server.output

    def keep(self, where):
        shutil.copytree(self.whole, where)

    def restore(self):
        shutil.rmtree(self.data)
        shutil.copytree(self.whole, self.data)

    async def look(self):
        """('well' or 'found', 'started' or 'refused') after the damage; raises for a lie."""
        server = self.load.server
        server.output = ''
        code, said = await server.run('verify', '--data', self.data)
        self.must_be_clear('verify', code, said)
        found = code != 0
        try:
            await server.start()
        except AssertionError:
            code = await server.refused()
            self.must_be_clear('serve', code, server.output)
            await server.kill()
            assert found or not self.in_store, \
                f'verify found nothing, and the server refuses: {server.output[-1000:]}'
            return 'found' if found else 'well', 'refused'
        self.sign_again()
        wrong = await self.read_all() + await self.read_cursors()
        await server.kill()
        if not found and (wrong or self.lacking > self.may_lack):
            raise Lie(f'verify found nothing: {wrong[:3]}')
        return 'found' if found else 'well', 'started'

    def sign_again(self):
        """The secret may be another one, and then the tokens are."""
        for user, device, ttl in self.load.server.tokens:
            self.load.server.tokens[user, device, ttl] = self.load.server.sign(
                self.load.server.claims(user, device='phone', exp=2**33))

    def must_be_clear(self, command, code, said):
        if code == -6:
            assert LAST_WORDS in said, f'{command} aborted without last words: {said[-1000:]}'
            assert 'src/' not in said, f'{command}: a check of our own: {said[-1000:]}'
            self.counts[f'{command} aborted by a library'] += 1
            return
        assert code in (0, 1), f'{command} ended with {code}: {said[-1000:]}'
        if code == 1 and command == 'serve':
            assert any(part in said for part in ADVICE), f'{command}: {said[-1000:]}'
        elif code == 1:
            assert 'wrong: ' in said or any(part in said for part in ADVICE), said[-1000:]

    async def read_all(self):
        """What is not there (errors, and all that the end of a list lacks); raises for a lie."""
        missing = []
        self.lacking = 0
        for conversation, users in self.load.groups.items():
            found, after = {}, 0
            while True:
                answer = await self.load.server.call(
                    'GET', f'/conversation/{conversation}?after={after}&limit=200', users[0])
                if answer.status != 200:
                    missing.append(f'{conversation} after {after}: {answer}')
                    break
                page = answer.json
                self.check_page(conversation, page, after)
                after += len(page['messages'])
                found.update({message['seq']: message for message in page['messages']})
                if not page['has_more_after']:
                    self.check_end(conversation, found, missing)
                    break
        return missing

    def check_page(self, conversation, page, after):
        for message in page['messages']:
            after += 1
            if message['seq'] != after:
                raise Lie(f'{conversation}: {message["seq"]} in the place of {after}')
            stored = self.ledger.stored[conversation].get(after)
            if stored != (message['sender'], message['content']):
                raise Lie(f'{conversation} {after}: {stored} was stored, {message} served')

    def check_end(self, conversation, found, missing):
        lost = [seq for seq in self.ledger.stored[conversation] if seq not in found]
        self.lacking += len(lost)
        if lost and self.lacking > self.may_lack:
            missing.append(f'{conversation}: {lost[:5]} of {len(lost)} seqs are not there')

    async def read_cursors(self):
        """Likewise, of the cursors. Each is where it was; those that a batch moved which may lack
        are there or behind."""
        missing, back = [], set()
        for (conversation, viewer), right in self.cursors.items():
            answer = await self.snapshot(conversation, viewer)
            if answer.status != 200:
                missing.append(f'{conversation} of {viewer}: {answer}')
                continue
            served = cursors_of(answer.json)
            moved = [name for name in right if served.get(name) != right[name]]
            back |= {(conversation, name) for name in moved}
            if served.keys() != right.keys() or any(
                    now > before for name in moved
                    for now, before in zip(served[name], right[name])) or len(back) > self.may_lack:
                raise Lie(f'{conversation}: cursors were {right}, {viewer} is served {served}')
        return missing

    def rounds(self, wanted):
        return wanted

    def summary(self):
        ways = ', '.join(f'{count} {way}' for way, count in self.counts.most_common())
        return f'{ways}; {self.ledger.count()} messages'

    def shortcomings(self):
        return []


class Planned(Damage):
    """One of which there are so many, each played once."""

    def plan(self):
        """All of them."""
        raise NotImplementedError

    async def __aenter__(self):
        await super().__aenter__()
        self.planned = self.plan()
        self.left = self.chance.sample(self.planned, len(self.planned))
        return self

    def rounds(self, wanted):
        return min(wanted, len(self.planned))

    def summary(self):
        played, planned = sum(self.counts.values()), len(self.planned)
        share = f'every one of {planned}' if played == planned else f'{played} of {planned}'
        return f'{share} {self.OF_WHAT}: {super().summary()}'


class Flip(Damage):
    """One bit of one byte, anywhere."""

    def choose(self):
        files = [path for path in self.data.rglob('*') if path.is_file() and path.stat().st_size]
        # Each kind of file alike: most bytes are those of the journal.
        kinds = collections.defaultdict(list)
        for path in files:
            kinds[path.name.split('-')[0] if path.suffix != '.sst' else 'sst'].append(path)
        most = ['sst', 'journal', 'MANIFEST'] * 5  # the others are settings and logs
        kind = self.chance.choice(sorted(kinds) + [kind for kind in most if kind in kinds])
        path = self.chance.choice(sorted(kinds[kind]))
        data = path.read_bytes()
        used = len(data.rstrip(b'\0')) if self.chance.random() < 0.95 else len(data)
        return path, self.chance.randrange(max(used, 1))

    async def round(self):
        self.restore()
        path, at = self.choose()
        bit = 1 << self.chance.randrange(8)
        with open(path, 'r+b') as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ bit]))
        self.in_store = path.is_relative_to(self.data / 'store')
        journal, start, records = self.unproven()
        # Killed before the marker was written: nobody was told that this batch is stored.
        self.may_lack = records if path.name == journal.name and at >= start else 0
        self.what = f'{path.relative_to(self.data)}: bit {bit:#x} of byte {at}'
        verdict = ' and '.join(await self.look())
        self.counts[verdict] += 1
        return verdict


def frames_of(data):
    """(start, end, count of records) of each frame of a segment."""
    at = HEADER_BYTES
    while data[at:at + 4] == FRAME_MAGIC:
        size, count = FRAME.unpack_from(data, at)[1], FRAME.unpack_from(data, at)[4]
        end = at + (FRAME.size + size + 7) // 8 * 8
        yield at, end, count
        at = end


class Cut(Planned):
    """The journal ends at each byte of its last batch and of the marker behind it: the file is
    shorter, or zeros follow, as when the last write was torn."""

    OF_WHAT = 'cuts of the last batch'

    def plan(self):
        self.journal = max((self.whole / 'store/journal').glob('journal-*'))
        frames = list(frames_of(self.journal.read_bytes()))
        last = max(index for index, (_, _, count) in enumerate(frames) if count > 0)
        start, _, self.records = frames[last]
        ends = range(start, frames[-1][1] + 1)
        return [(way, at) for at in ends for way in ('shorter', 'zeros')]

    async def round(self):
        way, at = self.left.pop()
        self.restore()
        path = self.data / self.journal.relative_to(self.whole)
        size = path.stat().st_size
        os.truncate(path, at)
        if way == 'zeros':
            os.truncate(path, size)
        self.what = f'{way} from byte {at}'
        # A batch without its end was never acknowledged, as far as the disk can tell.
        self.may_lack = self.records if way == 'zeros' else 0
        verdict = ' and '.join(await self.look())
        self.counts[f'{way}: {verdict}'] += 1
        return verdict


class Lost(Planned):
    """A file or a folder of the store is gone, or empty."""

    OF_WHAT = 'losses'

    def plan(self):
        paths = [path.relative_to(self.whole) for path in sorted((self.whole / 'store').rglob('*'))]
        losses = [(path, 'gone') for path in paths]
        losses += [(path, 'empty') for path in paths if (self.whole / path).is_file()]
        return losses

    async def round(self):
        path, way = self.left.pop()
        self.restore()
        lost = self.data / path
        self.what = f'{path} is {way}'
        if way == 'empty':
            os.truncate(lost, 0)
        elif lost.is_dir():
            shutil.rmtree(lost)
        else:
            lost.unlink()
        verdict = ' and '.join(await self.look())
        self.counts[verdict] += 1
        return verdict
