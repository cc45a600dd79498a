#!/usr/bin/python3
"""run: the public conformance suite's cases for WebSocket servers against an echo.

usage: run.py [--program build/release/test/wire/echo] [CASE...]

The echo is the server's own connection code. A case's number, or the start of one, plays those.
"""
import hashlib
import hmac
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import cases  # noqa: E402
from client import scenario  # noqa: E402
from client.raw_socket import CLOSE, frame, upgrade_lines  # noqa: E402
from client.server import jwt  # noqa: E402

SECRET = b'0123456789abcdef0123456789abcdef'
SECONDS = 30
COUNT = 301  # of the suite's sections 1 to 7, 9 and 10
CLOSING = 142  # of them end in a close by the case itself, with its code


class Line:
    """A blocking connection: a case is a list of steps, one after the other."""

    def __init__(self, address, token, patience):
        self.socket = socket.create_connection(address, timeout=SECONDS * patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall('\r\n'.join(upgrade_lines(address, token)).encode() + b'\r\n\r\n')
        self.kept = bytearray()
        head = self.take_until(b'\r\n\r\n')
        assert b' 101 ' in head.split(b'\r\n')[0], head

    def fill(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError('the line ended')
        self.kept += data

    def take_until(self, mark):
        while mark not in self.kept:
            self.fill()
        return self.take(self.kept.index(mark) + len(mark))

    def take(self, size):
        while len(self.kept) < size:
            self.fill()
        data = bytes(self.kept[:size])
        del self.kept[:size]
        return data

    def write(self, data, chop=None):
        try:
            for at in range(0, len(data), chop or max(len(data), 1)):
                self.socket.sendall(data[at:at + (chop or len(data))])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was said: the close frame is still to be read

    def read_frame(self):
        first, second = self.take(2)
        assert first & 0x80, 'the echo does not fragment'
        assert not first & 0x70, 'a reserved bit'
        assert not second & 0x80, 'a server does not mask'
        size = second
        if size == 126:
            size, = struct.unpack('>H', self.take(2))
            assert size > 125, 'a length is not in its shortest form'
        elif size == 127:
            size, = struct.unpack('>Q', self.take(8))
            assert size > 65535, 'a length is not in its shortest form'
        return first & 0x0f, self.take(size)

    def expect(self, opcode, payload):
        got, data = self.read_frame()
        assert got == opcode and data == payload, \
            f'opcode {got} with {len(data)} bytes {data[:40]!r}, ' \
            f'not {opcode} with {len(payload)} bytes {payload[:40]!r}'

    def ended(self):
        """Whether nothing more comes."""
        try:
            return not self.kept and self.socket.recv(1) == b''
        except ConnectionResetError:
            return not self.kept  # it ended, and had not read all that was sent


def play(line, case):
    for kind, *what in case.steps:
        if kind == 'send':
            line.write(*what)
        elif kind == 'expect':
            line.expect(*what)
        else:
            data, answer, count = what
            for _ in range(count):
                line.write(data)
                line.expect(*answer)
    code = case.code
    if code is cases.OURS:
        code = 1000
        line.write(frame(CLOSE, struct.pack('>H', code)))
    opcode, payload = line.read_frame()
    assert opcode == CLOSE, f'opcode {opcode} {payload[:40]!r}, not a close with {code}'
    if code is cases.NO_CODE:
        assert payload == b'', payload
    else:
        got = struct.unpack('>H', payload[:2])[0] if payload else None
        assert got == code, f'closed with {got} {payload[2:]!r}, not {code}'
        payload[2:].decode()
    assert line.ended(), 'the line did not end after the close frame'


def start(program):
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    address = re.search(r'http://([\d.]+):(\d+)', process.stdout.readline())
    return process, (address[1], int(address[2]))


def play_all(options, address):
    token = jwt({'sub': 'tester', 'exp': int(time.time()) + 3600},
                lambda text: hmac.new(SECRET, text, hashlib.sha256).digest(), {'alg': 'HS256'})
    passed, failed = [], []
    closing = 0
    for case in cases.all_cases():
        if options.cases and not any(case.number == one or case.number.startswith(one + '.')
                                     for one in options.cases):
            continue
        closing += case.code is not cases.OURS
        line = Line(address, token, options.patience)
        try:
            play(line, case)
            passed.append(case.number)
        except (AssertionError, EOFError, OSError, UnicodeDecodeError) as error:
            failed.append(case.number)
            print(f'FAILED  {case.number}: {type(error).__name__}: {error}')
        finally:
            line.socket.close()
    count = len(passed) + len(failed)
    if not options.cases and (count, closing) != (COUNT, CLOSING):
        failed.append(f'there are {COUNT} cases, {CLOSING} of which close: {count}, {closing}')
    return passed, failed


def main():
    parser = scenario.arguments(__doc__.splitlines()[0])
    parser.set_defaults(program=os.path.abspath('build/release/test/wire/echo'))
    parser.add_argument('cases', nargs='*', metavar='CASE')
    options = parser.parse_args()
    process, address = start(options.program)
    try:
        passed, failed = play_all(options, address)
        if process.poll() is not None:
            failed.append(f'the echo ended with {process.returncode}')
    finally:
        process.kill()
        process.wait()
    return scenario.report(options.report, passed, failed)


if __name__ == '__main__':
    sys.exit(main())
