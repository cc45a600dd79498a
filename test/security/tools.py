#!/usr/bin/python3
"""tools: the attackers that Debian packages, against a server of ours: slowhttptest (slow heads,
slow bodies, slow readers), wrk and h2load (as many requests as they can). Fails if the server was
not available meanwhile, or did not survive.

needs: apt-get install slowhttptest wrk nghttp2-client
usage: tools.py [--program build/release/twoticks]
"""
import argparse
import asyncio
import os
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from client.server import Server  # noqa: E402

COLOURS = re.compile(r'\x1b\[[0-9;]*m')


async def run(*command):
    process = await asyncio.create_subprocess_exec(
        *[str(one) for one in command], stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    output, _ = await asyncio.wait_for(process.communicate(), 180)
    return COLOURS.sub('', output.decode(errors='replace'))


def value(output, name):
    """The last value that slowhttptest printed under that name."""
    found = re.findall(rf'^{name}:\s+(\S+)', output, re.M)
    return found[-1] if found else '?'


async def slow(server, what, *options):
    """1,000 connections, 200 more a second, for at most 30 s."""
    url = 'http://%s:%d' % server.address
    output = await run('slowhttptest', *options, '-c', 1000, '-r', 200, '-l', 30, '-p', 3,
                       '-u', url + '/')
    available = set(re.findall(r'^service available:\s+(\S+)', output, re.M))
    end = re.findall(r'^Exit status:\s*(.*)$', output, re.M)
    print(f'slowhttptest {what}: service available {"/".join(sorted(available)) or "?"}; '
          f'connected {value(output, "connected")}, closed {value(output, "closed")}; '
          f'ended: {end[-1] if end else "?"}', flush=True)
    return available == {'YES'}


async def many(server):
    url = 'http://%s:%d/healthz-is-elsewhere' % server.address
    good = True
    output = await run('wrk', '-t', 2, '-c', 200, '-d', '5s', '--latency', url)
    for line in re.findall(r'^(Requests/sec:.*|\s+99%.*|\s+Socket errors:.*)$', output, re.M):
        print('wrk, 200 connections:', line.strip())
        good = good and 'errors' not in line
    output = await run('h2load', '--h1', '-n', 50000, '-c', 100, '-m', 10, url)
    for line in re.findall(r'^(finished in.*|requests:.*|status codes:.*)$', output, re.M):
        print('h2load, HTTP/1.1, 10 in the pipe:', line.strip())
    return good and '0 errored, 0 timeout' in output


async def play(program):
    missing = [one for one in ('slowhttptest', 'wrk', 'h2load') if shutil.which(one) is None]
    if missing:
        sys.exit(f'tools.py: {", ".join(missing)} missing; apt-get install slowhttptest wrk '
                 'nghttp2-client')
    good = True
    options = ['--header-time', '5s', '--request-time', '10s', '--unauthenticated', 2000]
    async with Server(program, 2, options) as server:
        good &= await slow(server, 'slow heads (-H)', '-H', '-i', 2)
        good &= await slow(server, 'slow bodies (-B)', '-B', '-i', 2, '-s', 200000, '-t', 'POST')
        good &= await slow(server, 'slow readers (-X)', '-X', '-w', 1, '-y', 2, '-n', 2, '-z', 1,
                           '-k', 3)
        good &= await slow(server, 'ranges (-R)', '-R', '-a', 10, '-b', 3000)
        good &= await many(server)
        answer = await server.call('GET', '/me', 'alice')
        good &= answer.status == 200
    print('nothing to complain about' if good else 'SOMETHING IS WRONG')
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default='build/release/twoticks', type=os.path.abspath)
    return asyncio.run(play(parser.parse_args().program))


if __name__ == '__main__':
    sys.exit(main())
