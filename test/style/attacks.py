#!/usr/bin/python3
"""attacks: every test that docs/security.md names is there.

usage: attacks.py ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
table = (root / 'docs/security.md').read_text().split('\n## Floods')[0]
rows = [line for line in table.splitlines()
        if line.startswith('| ') and not line.startswith(('| |', '| ---', '| case'))]
texts = {path: path.read_text(errors='replace') for folder in ('test', 'sdk/js/test')
         for path in (root / folder).rglob('*')
         if path.suffix in ('.py', '.c', '.ts', '.mjs') and 'node_modules' not in path.parts}
names = {path.name for path in texts} | {str(path.relative_to(root)) for path in texts}
missing = []
numbers = []
for row in rows:
    cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', row)[1:-1]]
    numbered = cells[0].isdigit()
    tests = re.findall(r'`([^`]+)`', cells[2 if numbered else 1])
    if numbered:
        numbers.append(int(cells[0]))
    if not tests:
        missing.append(f'row without a test: {row[:70]}')
    for test in tests:
        program, _, name = test.partition(' ')
        word = re.compile(rf'\b{re.escape(name or program)}\b')
        if program in ('sim', *names) and (not name or any(
                word.search(text) for path, text in texts.items() if path.name == program)):
            continue
        if name or not any(word.search(text) for text in texts.values()):
            missing.append(f'no such test: {test}')
if numbers != list(range(1, 43)):
    missing.append(f'the attacks are not numbered from 1 to 42: {numbers}')
for line in missing:
    print(line)
sys.exit(bool(missing))
