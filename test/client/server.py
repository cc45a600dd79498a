"""server: one server process under test, with its own data folder and its own free ports."""
import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time

from client import calls, clock

START_SECONDS = 60
PORT_TAKEN = 'another program listens on this address'
DRAIN_SECONDS = 60
LINE = re.compile(r'(admin|listening) on https?://([\d.]+):(\d+)')


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def jwt(claims, sign, header=None):
    """A token with these claims; `sign` turns the signing input into the signature."""
    head = {'typ': 'JWT', **(header or {})}
    text = '.'.join(base64url(json.dumps(part).encode()) for part in (head, claims))
    return text + '.' + base64url(sign(text.encode()))


class Server:
    def __init__(self, program, nodes, options=(), environ=None, data=None, wrapper=()):
        self.program = str(program)
        self.nodes = nodes
        self.options = [str(option) for option in options]
        self.wrapper = list(wrapper)  # a command that starts another one, like prlimit
        self.environ = {**os.environ, **(environ or {})}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='twoticks-test-'))
        self.data = pathlib.Path(data) if data else self.folder / 'data'
        self.process = None
        self.output = ''
        self.address = None
        self.admin = None
        self.tls = None  # the ssl.SSLContext of its clients, where it speaks TLS
        self.tokens = {}
        self._reading = None

    async def __aenter__(self):
        try:
            await self.start()
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            raise
        return self

    async def __aexit__(self, kind, error, trace):
        try:
            if kind is None:
                await self.stop()
        finally:
            await self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def arguments(self):
        listen = '%s:%d' % self.address if self.address else '127.0.0.1:0'
        return ['serve', '--data', str(self.data), '--listen', listen,
                '--admin-listen', '127.0.0.1:0', '--nodes', str(self.nodes), *self.options]

    async def spawn(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.wrapper, self.program, *self.arguments(), env=self.environ,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, limit=1 << 20)

    async def start(self):
        """Returns when the server is ready. A later start listens on the same port again, which
        somebody else's connection may have borrowed meanwhile."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            before = len(self.output)
            await self.spawn()
            try:
                await clock.within(START_SECONDS, self._read_addresses(), 'the server is listening')
                break
            except AssertionError:
                is_taken = self.address is not None and PORT_TAKEN in self.output[before:]
                if not is_taken or time.monotonic() > deadline:
                    raise
        self._reading = asyncio.ensure_future(self._read_rest())

    async def _read_addresses(self):
        found = {}
        while 'listening' not in found:
            line = (await self.process.stdout.readline()).decode(errors='replace')
            self.output += line
            assert line, f'the server ended before it listened:\n{self.output}'
            match = LINE.search(line)
            if match:
                found[match[1]] = (match[2], int(match[3]))
        self.address = found['listening']
        self.admin = found.get('admin')

    async def _read_rest(self):
        while line := await self.process.stdout.readline():
            self.output += line.decode(errors='replace')

    async def wait(self, seconds=DRAIN_SECONDS):
        """The exit code of a server that ends by itself."""
        code = await clock.within(seconds, self.process.wait(), 'the server has ended')
        if self._reading:
            await self._reading
        self.process = None
        return code

    async def refused(self, seconds=DRAIN_SECONDS):
        """The exit code of a server that did not start, once all that it said is read."""
        self.output += (await clock.within(seconds, self.process.stdout.read(),
                                           'the server has ended')).decode(errors='replace')
        return await self.process.wait()

    async def stop(self):
        """SIGTERM: the server drains and ends well."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = await self.wait()
        assert code == 0, f'exit code {code} after SIGTERM:\n{self.output[-4000:]}'

    async def kill(self):
        """kill -9."""
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self._reading:
            await self._reading
        self.process = None

    async def restart(self):
        await self.kill()
        await self.start()

    async def run(self, *arguments, within=60, lines=''):
        """Another command of the program, which reads `lines`: (exit code, what it printed)."""
        process = await asyncio.create_subprocess_exec(
            self.program, *[str(one) for one in arguments], env=self.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        try:
            output, _ = await clock.within(within, process.communicate(lines.encode()),
                                           f'{arguments} has ended')
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode, output.decode(errors='replace')

    async def verify(self):
        """With the server stopped: fails unless `verify` says that all is well."""
        code, output = await self.run('verify', '--data', self.data)
        assert code == 0, f'verify: {output}'

    async def token(self, user, device=None, ttl=None):
        key = (user, device, ttl)
        if key not in self.tokens:
            code, output = await self.run(
                'token', user, *(['--device', device] if device else []),
                *(['--ttl', ttl] if ttl else []), '--data', self.data)
            assert code == 0, f'token: {output}'
            self.tokens[key] = output.strip().splitlines()[-1]
        return self.tokens[key]

    def secret(self):
        return (self.data / 'secret').read_bytes().rstrip(b'\n')

    def sign(self, claims, header=None):
        """A token that the server's own secret signs."""
        return jwt(claims, lambda text: hmac.new(self.secret(), text, hashlib.sha256).digest(),
                   {'alg': 'HS256', **(header or {})})

    def claims(self, user='alice', **more):
        return {'sub': user, 'exp': int(time.time()) + 3600, **more}

    async def call(self, method, path, user=None, device=None, token=None, **more):
        """An HTTP request as that user (or with that token, or as nobody)."""
        if token is None and user is not None:
            token = await self.token(user, device)
        return await calls.call(self.address, method, path, token, tls=self.tls, **more)

    async def get(self, path, user, device=None, status=200):
        answer = await self.call('GET', path, user, device)
        assert answer.status == status, f'GET {path} as {user}: {answer}'
        return answer.json
