#!/usr/bin/python3
"""faults: every test that docs/testing.md's table of faults names is there, and each row has one.

usage: faults.py ROOT
"""
import pathlib
import sys

import named

CASES_MIN = 30

root = pathlib.Path(sys.argv[1])
tests = named.Tests(root)
table = (root / 'docs/testing.md').read_text().partition('\n## The table of faults')[2]
cases = list(named.rows(table.partition('\n## ')[0].splitlines()))
wrong = [line for cells in cases for line in named.missing(tests, cells, 1)]
wrong += [f'without a result: {cells[0]}' for cells in cases if not cells[2]]
if len(cases) < CASES_MIN:
    wrong.append(f'{len(cases)} cases; the table must have at least {CASES_MIN}')
for line in wrong:
    print(line)
sys.exit(bool(wrong))
