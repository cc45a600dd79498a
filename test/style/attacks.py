#!/usr/bin/python3
"""attacks: every test that docs/security.md names is there.

usage: attacks.py ROOT
"""
import pathlib
import sys

import named

root = pathlib.Path(sys.argv[1])
tests = named.Tests(root)
table = (root / 'docs/security.md').read_text().split('\n## Floods')[0]
wrong = []
numbers = []
for cells in named.rows(table.splitlines()):
    numbered = cells[0].isdigit()
    if numbered:
        numbers.append(int(cells[0]))
    wrong += named.missing(tests, cells, 2 if numbered else 1)
if numbers != list(range(1, 43)):
    wrong.append(f'the attacks are not numbered from 1 to 42: {numbers}')
for line in wrong:
    print(line)
sys.exit(bool(wrong))
