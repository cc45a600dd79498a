#!/usr/bin/python3
"""tidy: the rules of docs/STYLE.md that a machine can check. Silent when all is well.

usage: tidy.py ROOT        checks every file that git knows of
       tidy.py --self-test shows that each rule can fail
"""
import pathlib
import re
import subprocess
import sys

# What each folder may include. Reading this table is reading the architecture.
MAY_INCLUDE = {
    'base': {'base'},
    'model': {'base', 'model'},
    'core': {'base', 'model', 'core'},
    'port': {'base', 'model', 'port'},
    'net': {'base', 'net'},
    'driver': {'base', 'model', 'core', 'port', 'driver'},
    'adapter': {'base', 'model', 'port', 'net', 'adapter'},
    'edge': {'base', 'model', 'core', 'net', 'edge'},
    'app': {'base', 'model', 'core', 'port', 'net', 'driver', 'adapter', 'edge', 'app'},
    'sim': {'base', 'model', 'core', 'port', 'driver', 'edge', 'sim'},
}
# What the folders without I/O may take from the system: nothing that can do I/O.
PURE = {'model', 'core', 'port', 'driver'}
PURE_HEADERS = {'inttypes.h', 'limits.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'string.h'}

BANNED = {
    r'\b(strcpy|strcat|strncpy|strncat|vsprintf|sprintf|gets|strtok|alloca)\s*\(':
        'base/buffer.h, or snprintf at the edges',
    r'\b(atoi|atol|atoll|sscanf|strtoll?|strtoull?)\s*\(': 'a parser of base',
    r'\b(gmtime|localtime|time|gettimeofday|clock_gettime)\s*\(': 'the clock port',
    r'\b(rand|random|srand)\s*\(': 'the entropy port, or the generator of sim',
}
CLOCK_AND_ENTROPY = {'src/adapter/clock_os.c', 'src/adapter/entropy_os.c'}
# Programs that stand alone, to be measured beside ours; they link nothing of it.
ALONE = {'bench'}
UNFINISHED = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
NAMELESS = {'util', 'utils', 'common', 'misc', 'helper', 'helpers', 'manager'}
MACHINE_PATH = re.compile(r'(?<![\w.])/(wo' r'rk|fa' r'rm|ho' r'me/\w+|ro' r'ot)/|\.\./sha' r'red/')
# asyncio.sleep(0) waits for no time; it lets others run.
SLEEP = re.compile(
    r'(?<![\w.])(time\.sleep|asyncio\.sleep|usleep|nanosleep|sleep)\s*\((?!0\))')
MAY_SLEEP = {'test/client/clock.py'}

# What takes the next number of a stream of randomness.
DRAW = re.compile(r'\b(tt_prng_\w+|draw|happens|next_random)\(')

LINES_MAX = 800
COLUMNS_MAX = 100
FUNCTION_MAX = 70
TEST_FUNCTION_MAX = 100  # a table of cases reads better whole


def check_text(path, lines, text):
    if text and not text.endswith('\n'):
        yield len(lines), 'no newline at the end of the file'
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, 'trailing white space'
        if '\t' in line:
            yield number, 'a tab'
        if len(line) > COLUMNS_MAX and not path.endswith(('.json', '.md', '.trace')):
            yield number, f'line over {COLUMNS_MAX} columns'
        if UNFINISHED.search(line):
            yield number, 'unfinished: finish it, or open an issue'
        if MACHINE_PATH.search(line):
            yield number, 'a path of one machine'
    if len(lines) > LINES_MAX and not path.endswith('.md'):
        yield 1, f'{len(lines)} lines; split files at {LINES_MAX}'


def check_name(path):
    for part in path.split('/'):
        for word in re.split(r'[_.\-]', part):
            if word in NAMELESS:
                yield 1, f'"{word}" is no name: what is it about?'


def without_strings(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line)


def check_functions(path, lines):
    most = TEST_FUNCTION_MAX if path.startswith('test/') else FUNCTION_MAX
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            if number - start - 1 > most:
                yield start, f'a function of {number - start - 1} lines; {most} at most'
            start = None


def check_includes(folder, number, line):
    own = re.match(r'#include "(\w+)/', line)
    if own and own[1] not in MAY_INCLUDE.get(folder, set()):
        yield number, f'{folder} must not include {own[1]}'
    system = re.match(r'#include <(.+)>', line)
    if system and folder in PURE and system[1] not in PURE_HEADERS:
        yield number, f'{folder} is pure and must not include <{system[1]}>'


def check_header(path, text):
    parts = path.split('/')
    name = parts[-1][:-2]
    folder = parts[1] if parts[0] == 'src' else parts[0]
    guard = f'TT_{folder}_[A-Z0-9_]*?{re.escape(name)}_H'.upper()
    found = re.search(r'#ifndef (\w+)\n#define (\w+)\n', text)
    if not found or found[1] != found[2] or not re.fullmatch(guard, found[1]):
        yield 1, f'the include guard must be TT_{folder.upper()}_..._{name.upper()}_H'
    if not re.match(r'/\*(\n \*)? %s: ' % re.escape(name), text):
        yield 1, f'the header comment must begin "{name}: <what it is>"'


def check_draws(text):
    """C says nothing about which argument, operand or member of an initializer comes first: with
    two draws in them a seed is another run in another compiler's build."""
    for statement in re.finditer(r'[^;{}]+', text):
        alone = re.sub(r'\b(if|while|switch) (\([^()]*(\([^()]*\)[^()]*)*\))', r'\2 ?',
                       statement[0])
        for part in re.split(r'\?|:|&&|\|\|', alone):
            if len(DRAW.findall(part)) > 1:
                blank = len(statement[0]) - len(statement[0].lstrip())
                yield (text[:statement.start() + blank].count('\n') + 1,
                       'two draws in no order; draw into variables first')


def check_c(path, lines, text):
    folder = path.split('/')[1] if path.startswith('src/') else path.split('/')[0]
    for number, line in enumerate(lines, 1):
        code = without_strings(line)
        is_comment = re.match(r'\s*(/\*|\*)', line)
        for pattern, instead in BANNED.items():
            if path not in CLOCK_AND_ENTROPY and not is_comment and folder not in ALONE and \
                    re.search(pattern, code):
                yield number, f'banned, use {instead}: {line.strip()}'
        if folder == 'core' and re.search(r'\bsnprintf\s*\(', code):
            yield number, 'core formats no text'
        if re.match(r'static (?!inline\b|const\b|_Atomic\b|_Thread_local\b)[^()]*(;|=.*)$',
                    code) and not re.search(r'\bconst\b', code) and folder not in ALONE | {'test'}:
            yield number, 'a mutable global'
        if path.startswith('test/') and SLEEP.search(code):
            yield number, 'tests wait for what they wait for; they do not sleep'
        if folder in MAY_INCLUDE:
            yield from check_includes(folder, number, line)
    yield from check_functions(path, lines)
    yield from check_draws(text)
    if path.endswith('.h') and not path.endswith('/unit.h'):
        yield from check_header(path, text)


def check_python(path, lines, text):
    try:
        compile(text, path, 'exec')
    except SyntaxError as err:
        yield err.lineno or 1, f'not Python: {err.msg}'
    if lines and lines[0].startswith('#!') and lines[0] != '#!/usr/bin/python3':
        yield 1, 'scripts begin with #!/usr/bin/python3: another one may lack the modules'
    if not re.match(r'(#!.*\n)?"""\w[\w ]*: ', text):
        yield 1, 'the first line says "name: what it is" in a docstring'
    for number, line in enumerate(lines, 1):
        if path not in MAY_SLEEP and path.startswith('test/') and SLEEP.search(line):
            yield number, 'tests wait for what they wait for; they do not sleep'


def check_script(path, lines, text):
    if path.endswith(('.config.ts', '.d.ts')):
        return
    name = pathlib.Path(path).stem.split('.')[0]
    if not re.match(r'(#!.*\n)?/\*\n \* %s: ' % re.escape(name), text):
        yield 1, 'the first comment begins "name: what it is"'


def check_shell(path, lines, text):
    if 'set -eu' not in lines:
        yield 1, 'shell scripts say `set -eu`'
    if len(lines) < 2 or not re.match(r'# [\w-]+: ', lines[1]):
        yield 2, 'the second line says "# name: what it is"'
    if subprocess.run(['/bin/sh', '-n'], input=text, text=True, capture_output=True).returncode:
        yield 1, 'not a shell script'


def check_markdown(root, path, text):
    for link in re.finditer(r'\]\((?!https?:|mailto:|#)([^)#\s]+)', text):
        if not (pathlib.Path(root, path).parent / link[1]).exists():
            yield text[:link.start()].count('\n') + 1, f'a link to nothing: {link[1]}'


def check_functions_named(root, path, text):
    """What a page says about a function is wrong at the latest when the function is gone."""
    sources = ' '.join(file.read_text('utf-8') for file in pathlib.Path(root, 'src').rglob('*.c'))
    for name in re.finditer(r'`(tt_\w+)`', text):
        if not re.search(rf'\b{name[1]}\(', sources):
            yield text[:name.start()].count('\n') + 1, f'there is no function {name[1]}'


def complaints(root, path, text):
    lines = text.splitlines()
    if pathlib.Path(path).name == 'LICENSE' or '/corpus/' in path:
        return
    yield from check_name(path)
    yield from check_text(path, lines, text)
    if path.endswith(('.c', '.h')):
        yield from check_c(path, lines, text)
    elif path.endswith('.py'):
        yield from check_python(path, lines, text)
    elif path.endswith('.md'):
        yield from check_markdown(root, path, text)
        if path == 'docs/flows.md':
            yield from check_functions_named(root, path, text)
    elif path.endswith(('.ts', '.tsx', '.js')):
        yield from check_script(path, lines, text)
    elif text.startswith('#!/bin/sh'):
        yield from check_shell(path, lines, text)


def files(root):
    listed = subprocess.run(['git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z'],
                            check=True, capture_output=True).stdout.decode()
    # A fuzzer's corpus and pictures are bytes, not text; npm writes its lock as it likes.
    return [path for path in listed.split('\0') if path and pathlib.Path(root, path).is_file()
            and not path.startswith('test/fuzz/corpus/')
            and not path.endswith(('.png', '.webp', '.gif', 'package-lock.json'))]


# One planted breach per rule: path, text, and a word of the complaint.
PLANTED = [
    ('src/core/a.c', '#include "adapter/x.h"\n', 'must not include adapter'),
    ('src/model/a.c', '#include "core/core.h"\n', 'must not include core'),
    ('sim/a.c', '#include "net/loop.h"\n', 'must not include net'),
    ('src/core/a.c', '#include <stdio.h>\n', 'pure'),
    ('src/net/a.c', '    strcpy(a, b);\n', 'banned'),
    ('src/app/a.c', '    x = strtol(a, b, 10);\n', 'banned'),
    ('src/core/a.c', '    now = time(NULL);\n', 'banned'),
    ('src/core/a.c', '    snprintf(a, 1, "");\n', 'formats'),
    ('src/net/a.c', 'static int counter;\n', 'mutable global'),
    ('src/net/a.c', 'static struct x table[] = {\n', 'mutable global'),
    ('src/net/a.c', 'int x; // ' + 'x' * 100 + '\n', 'columns'),
    ('src/net/a.c', 'int x;\n' * 801, 'split'),
    ('src/net/a.c', 'int f(void)\n{\n' + '    g();\n' * 71 + '}\n', 'function of 71'),
    ('src/net/a.c', '/* TO' 'DO: later */\n', 'unfinished'),
    ('src/net/a.c', 'int x; \n', 'trailing'),
    ('src/net/a.c', '\tint x;\n', 'tab'),
    ('src/net/a.c', 'int x;', 'no newline'),
    ('sim/a.c', '    f(tt_prng_below(p, 2), tt_prng_below(p, 3));\n', 'no order'),
    ('sim/a.c', '    x = (struct x){.a = draw(p, 2),\n.b = draw(p, 3)};\n', 'no order'),
    ('src/net/a.h', '/* a: x */\n#ifndef A_H\n#define A_H\n', 'guard'),
    ('src/net/a.h', '#ifndef TT_NET_A_H\n#define TT_NET_A_H\n', 'header comment'),
    ('src/net/text_util.c', '', 'no name'),
    ('docs/a.md', 'see /wo' 'rk/x\n', 'machine'),
    ('docs/a.md', '[x](nowhere.md)\n', 'nothing'),
    ('docs/flows.md', 'then `tt_nothing`\n', 'no function'),
    ('test/unit/a.c', '    usleep(1);\n', 'sleep'),
    ('test/scenario/a.py', '"""a: x"""\nawait asyncio.sleep(1)\n', 'sleep'),
    ('tool/a.py', '"""a: x"""\ndef\n', 'not Python'),
    ('tool/a.py', 'import sys\n', 'docstring'),
    ('tool/a.py', '#!/usr/bin/env python3\n"""a: x"""\n', 'begin with'),
    ('web/src/a.tsx', 'export const a = 1;\n', 'begins'),
    ('tool/a', '#!/bin/sh\n# a: x\n', 'set -eu'),
    ('tool/a', '#!/bin/sh\nset -eu\n', 'second line'),
    ('tool/a', '#!/bin/sh\n# a: x\nset -eu\nif\n', 'not a shell'),
]


def self_test():
    missed = [(path, word) for path, text, word in PLANTED
              if not any(word in what for _, what in complaints('/nowhere', path, text))]
    for path, word in missed:
        print(f'tidy: the planted breach "{word}" in {path} was not found')
    return bool(missed)


def main(argument):
    if argument == '--self-test':
        return self_test()
    listed = files(argument)
    if not listed:
        print(f'tidy: git lists no files in {argument}')
        return True
    found = [f'{path}:{number}: {what}' for path in listed
             for number, what in complaints(argument, path,
                                            pathlib.Path(argument, path).read_text('utf-8'))]
    print(*found, sep='\n', end='\n' if found else '')
    return bool(found)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
