"""named: whether the tests that a document names in backticks are there.

`NAME` is a word of any test, or a test's file; `FILE NAME` a word of that file; `sim NAME` what
must happen in a hunt (sim/sometimes.h) or a planted bug that a hunt must find.
"""
import pathlib
import re

SIM = ('sim/sometimes.h', 'sim/mutant.h', 'src/core/planted.h')


class Tests:
    def __init__(self, root):
        root = pathlib.Path(root)
        paths = [path for folder in ('test', 'sdk/js/test') for path in (root / folder).rglob('*')
                 if path.suffix in ('.py', '.c', '.ts', '.mjs')
                 and 'node_modules' not in path.parts]
        paths.append(root / 'tool/try-package')
        self.texts = {str(path.relative_to(root)): path.read_text(errors='replace')
                      for path in paths}
        self.sim = '\n'.join((root / path).read_text() for path in SIM)

    def files(self, name):
        return [text for path, text in self.texts.items() if f'/{path}'.endswith(f'/{name}')]

    def has(self, test):
        program, _, name = test.partition(' ')
        if program == 'sim':
            return not name or re.search(rf'X\({re.escape(name)},|"{re.escape(name)}"', self.sim)
        files = self.files(program)
        word = re.compile(rf'\b{re.escape(name or program)}\b')
        if files:
            return not name or any(word.search(text) for text in files)
        return not name and any(word.search(text) for text in self.texts.values())


def rows(lines):
    """The cells of each row of a table, without its head."""
    for line in lines:
        if line.startswith('| ') and not line.startswith(('| |', '| ---', '| case', '| fault')):
            yield [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]


def missing(tests, cells, column):
    """What is wrong with the row: a list of sentences."""
    named = re.findall(r'`([^`]+)`', cells[column])
    if not named:
        return [f'row without a test: {cells[0]} {cells[1][:50]}']
    return [f'no such test: {test}' for test in named if not tests.has(test)]
