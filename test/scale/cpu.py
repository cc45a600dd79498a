#!/usr/bin/python3
"""cpu: what a request to DynamoDB costs in CPU, beside a bare client in the same run.

usage: cpu.py [--program build/release/test/scale/cpu] [--requests 50000]
"""
import argparse
import subprocess
import sys

import doubles


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default=str(doubles.ROOT / 'build/release/test/scale/cpu'))
    parser.add_argument('--requests', default='50000')
    options = parser.parse_args()
    with doubles.node('nothing.mjs') as port:
        return subprocess.run([options.program, str(port), options.requests],
                              check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
