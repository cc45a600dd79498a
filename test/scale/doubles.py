"""doubles: the servers that the scale-out adapters are tested against, started on free ports.

Node's packages are pinned by package-lock.json beside this file and installed on first use.
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def _tool(name):
    own = ROOT / '.node/bin' / name
    found = str(own) if own.exists() else shutil.which(name)
    if not found:
        raise SystemExit(f'doubles: {name} is missing: run tool/node, or apt-get install npm')
    return found


def install():
    """Installs the packages unless the ones of this lock file are there."""
    lock = HERE / 'package-lock.json'
    stamp = HERE / 'node_modules/.installed-lock.json'
    with open(lock, 'rb') as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
            return
        path = os.pathsep.join([str(pathlib.Path(_tool('node')).parent), os.environ['PATH']])
        subprocess.run([_tool('npm'), 'ci', '--silent', '--ignore-scripts', '--no-audit',
                        '--no-fund'], cwd=HERE, check=True, env={**os.environ, 'PATH': path})
        stamp.write_bytes(lock.read_bytes())


class Process:
    """A child that ends when its standard input does, and prints its port in its first line."""

    def __init__(self, args):
        self.child = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, cwd=HERE)
        line = self.child.stdout.readline()
        if not line.strip().isdigit():
            raise SystemExit(f'doubles: {args} did not start')
        self.port = int(line)

    def tell(self, line):
        """A line on its standard input."""
        self.child.stdin.write(line + '\n')
        self.child.stdin.flush()

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


@contextlib.contextmanager
def running(script, *args):
    """A script of Node's; its `port` is where it listens."""
    install()
    process = Process([_tool('node'), HERE / script, *args])
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def node(script, *args):
    with running(script, *args) as process:
        yield process.port


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Redis:
    """A redis-server of Debian's on a free port, that can be killed and started again."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix='twoticks-redis-')
        self.port = free_port()
        self.options = options
        self.child = None
        self.start()

    def start(self):
        self.child = subprocess.Popen(
            ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '',
             '--appendonly', 'no', '--daemonize', 'no', '--dir', self.folder.name, *self.options],
            stdout=subprocess.PIPE, text=True)
        for line in self.child.stdout:
            if 'Ready to accept connections' in line:
                return
        raise SystemExit('doubles: redis-server did not start (apt-get install redis-server)')

    def kill(self):
        self.child.kill()
        self.child.stdout.close()
        self.child.wait()

    def close(self):
        if self.child.poll() is None:
            self.child.terminate()
            self.child.stdout.close()
            self.child.wait()
        self.folder.cleanup()


@contextlib.contextmanager
def redis(*options):
    server = Redis(*options)
    try:
        yield server
    finally:
        server.close()
