#!/usr/bin/python3
"""with_doubles: runs a test program with the servers that it needs.

usage: with_doubles.py [--dynamodb] [--tables] [--redis] -- PROGRAM [ARGUMENT]...

The program finds TWOTICKS_TEST_DYNAMODB_PORT (dynalite behind the proxy that checks signatures,
for AKIDEXAMPLE/secret in eu-west-1; with --tables the double of our own instead, which looks at no
signature) and TWOTICKS_TEST_REDIS_PORT in its environment.
"""
import contextlib
import os
import subprocess
import sys

import doubles

ACCESS_KEY, SECRET, REGION, TOKEN = 'AKIDEXAMPLE', 'secret/of+example', 'eu-west-1', 'to/ken=='


def main():
    split = sys.argv.index('--')
    wanted, command = sys.argv[1:split], sys.argv[split + 1:]
    environ = dict(os.environ)
    with contextlib.ExitStack() as stack:
        if '--dynamodb' in wanted:
            table_port = stack.enter_context(doubles.node('dynalite.mjs'))
            environ['TWOTICKS_TEST_DYNAMODB_PORT'] = str(stack.enter_context(
                doubles.node('sigv4_proxy.mjs', table_port, ACCESS_KEY, SECRET, REGION, TOKEN)))
        if '--tables' in wanted:
            environ['TWOTICKS_TEST_DYNAMODB_PORT'] = str(stack.enter_context(
                doubles.node('tables/server.mjs')))
        if '--redis' in wanted:
            redis = stack.enter_context(doubles.redis())
            environ['TWOTICKS_TEST_REDIS_PORT'] = str(redis.port)
        return subprocess.run(command, env=environ).returncode


if __name__ == '__main__':
    sys.exit(main())
