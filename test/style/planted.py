#!/usr/bin/python3
"""planted: docs/testing.md names every planted fault once, with the seeds that sim/mutants.c says.

usage: planted.py ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
of_name = {}  # the constant's name in sim/mutants.c: what the fault is called
for path, prefix in (('sim/mutant.h', 'TT_MUTANT_'), ('src/core/planted.h', 'TT_MUTANT_CORE_')):
    for constant, name in re.findall(r'X\((\w+),\s*"([\w-]+)"', (root / path).read_text()):
        of_name[prefix + constant] = name
del of_name['TT_MUTANT_NONE']

code = (root / 'sim/mutants.c').read_text()
few = int(re.search(r'#define FEW +(\d+)', code)[1])
rare = {of_name[constant]: int(seeds)
        for constant, seeds in re.findall(r'\{(TT_MUTANT_\w+), (\d+)\}', code)}

text = (root / 'docs/testing.md').read_text()
text = text[text.index('Planted faults, with the seeds'):text.index('Totals of the hunt')]
table = [(name, int(seeds)) for seeds, name in re.findall(r'^\| (\d+) \| ([\w-]+) \|$', text, re.M)]
soon = re.findall(r'[\w-]+', text.partition('\n\n')[2].partition('\n\n')[0])
named = soon + [name for name, _ in table]

wrong = [f'{name}: not in the table' for name in of_name.values() if name not in named]
wrong += [f'{name}: there is no such fault' for name in named if name not in of_name.values()]
wrong += [f'{name}: named twice' for name in set(named) if named.count(name) > 1]
wrong += [f'{name}: {seeds} seeds in the table, {rare.get(name)} in sim/mutants.c'
          for name, seeds in table if seeds > few and rare.get(name) != seeds]
wrong += [f'{name}: {seeds} seeds in sim/mutants.c, not in the table'
          for name, seeds in rare.items() if (name, seeds) not in table]
for line in wrong:
    print(line)
sys.exit(bool(wrong))
