"""power: power cuts, played by an ext4 of its own that is shut down without flushing its log.

What was written and not synced is gone then, as on a real cut. The file system lies in a file in
memory and is mounted in a namespace of its own, so that nothing is left behind; needs root.
"""
import asyncio
import ctypes
import fcntl
import os
import struct
import subprocess
import tempfile

from faults import SMALL, Hunt
from ledger import Ledger
from load import Load

IMAGE_MB = 160
GOING_DOWN = 0x8004587d  # EXT4_IOC_SHUTDOWN
WITHOUT_FLUSHING = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f'{" ".join(command)}: {done.stdout}'


def own_mounts():
    """From now on this process's mounts are nobody else's, and go with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(b'none', b'/', None, MS_REC | MS_PRIVATE, None)


class Disk:
    def __init__(self):
        memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix='twoticks-power-', dir=memory)
        self.image = os.path.join(self.folder.name, 'image')
        self.mounted = os.path.join(self.folder.name, 'disk')
        os.mkdir(self.mounted)
        with open(self.image, 'wb') as file:
            file.truncate(IMAGE_MB << 20)
        run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0', self.image)

    def mount(self):
        run('mount', '-o', 'loop', self.image, self.mounted)

    def unmount(self):
        run('umount', self.mounted)

    def cut(self):
        fd = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, GOING_DOWN, struct.pack('I', WITHOUT_FLUSHING))
        finally:
            os.close(fd)

    def end(self):
        subprocess.run(['umount', '--lazy', self.mounted], capture_output=True)
        self.folder.cleanup()


class Power(Hunt):
    def __init__(self, *args):
        super().__init__(*args)
        own_mounts()
        self.disk = None

    async def begin_life(self):
        self.disk = Disk()
        self.disk.mount()
        self.load = Load(self.program, Ledger(), 3, 3, SMALL, data=self.disk.mounted + '/data',
                         may_fail=True)
        await self.load.server.start()
        await self.load.create()
        await self.load.server.kill()
        os.sync()
        self.rounds_left = 10

    async def end_life(self):
        await super().end_life()
        if self.disk is not None:
            self.disk.end()
            self.disk = None

    async def until_it_ends(self):
        """Some load, the cut, and then the program's own end or ours."""
        server = self.load.server
        await server.start()
        talking = self.load.begin()
        await asyncio.wait(talking, timeout=self.chance.uniform(0.05, 0.8))
        self.disk.cut()
        await server.kill()
        await self.load.end(talking)
        self.disk.unmount()
        self.disk.mount()

    def judge(self, code):
        self.what = 'a power cut'
        return 'cut'

    def shortcomings(self):
        if self.acknowledged + self.load.ledger.count() < sum(self.counts.values()):
            return ['there_was_a_load']
        return unsynced_is_lost(self)


def unsynced_is_lost(hunt):
    """What shows that the cut takes something away: a file that nobody synced."""
    path = os.path.join(hunt.disk.mounted, 'unsynced')
    with open(path, 'w') as file:
        file.write('here')
    hunt.disk.cut()
    hunt.disk.unmount()
    hunt.disk.mount()
    return ['the_cut_loses_what_was_not_synced'] if os.path.exists(path) else []
