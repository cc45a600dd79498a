"""coverage: reads what gcov counted for the core, and prints it. See tool/coverage."""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile


def read(build):
    """What gcov says of each file of the core: {name: [line, ...]}."""
    objects = sorted((build / 'src/core/libcore.a.p').glob('*.gcda'))
    if not objects:
        sys.exit('coverage: nothing was run; call tool/coverage without --branches first')
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['gcov', '--json-format', '--branch-probabilities',
                        *[str(one.resolve()) for one in objects]],
                       cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for report in pathlib.Path(folder).glob('*.gcov.json.gz'):
            for one in json.loads(gzip.decompress(report.read_bytes()))['files']:
                name = pathlib.Path(one['file']).name
                if 'src/core/' in one['file'] and name.endswith('.c'):
                    files[name] = one['lines']
    return files


def branches_of(name, lines, sources):
    """(line number, taken) of each branch that counts: no assertion's, and no switch's."""
    text = (sources / name).read_text().splitlines()
    for line in lines:
        source = text[line['line_number'] - 1]
        if 'TT_ASSERT' in source or source.lstrip().startswith('switch ('):
            continue
        for branch in line['branches']:
            yield line['line_number'], branch['count'] > 0


def main():
    """Prints the table, or the branches of one file that were not taken."""
    build = pathlib.Path(sys.argv[1])
    sources = pathlib.Path('src/core')
    files = read(build)
    if len(sys.argv) > 2:
        name = pathlib.Path(sys.argv[2]).name
        text = (sources / name).read_text().splitlines()
        for number, taken in branches_of(name, files[name], sources):
            if not taken:
                print(f'{name}:{number}: {text[number - 1].strip()}')
        return
    sums = [0, 0, 0, 0]
    for name in sorted(files):
        lines = files[name]
        taken = [one for _, one in branches_of(name, lines, sources)]
        counts = [sum(line['count'] > 0 for line in lines), len(lines), sum(taken), len(taken)]
        sums = [a + b for a, b in zip(sums, counts)]
        print(f'{name:16} lines {counts[0]:4} of {counts[1]:4}   '
              f'branches {counts[2]:4} of {counts[3]:4}')
    print(f'lines {sums[0]} of {sums[1]}: {100 * sums[0] / sums[1]:.1f} %; '
          f'branches {sums[2]} of {sums[3]}: {100 * sums[2] / sums[3]:.1f} %')


main()
