#!/usr/bin/python3
"""check: builds twice, runs every test, and ends with one line: `N passed, N failed`.

The release build is what users run; the other one is built by clang with AddressSanitizer and
UndefinedBehaviorSanitizer. ./check calls this after it has installed what is missing.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / 'build/release'
ASAN = ROOT / 'build/asan'
TSAN = ROOT / 'build/tsan'
NODE = ROOT / '.node/bin/node'
REPORTS = ROOT / 'build/check'
SANITIZERS = {
    'ASAN_OPTIONS': 'abort_on_error=1:detect_leaks=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
    'LSAN_OPTIONS': 'print_suppressions=0',
    'ASAN_SYMBOLIZER_PATH': '/usr/bin/llvm-symbolizer-14',
}
OUTPUT_LINES_SHOWN = 60
FUZZ_SECONDS = 5  # of each target, and five times that of the one of whole sessions
STORIES = ['test/web/phone_off.test.ts', 'test/web/alice_sees.test.ts', 'test/web/when.test.ts']
# What test/crash/hunt.py plays: the kind, its rounds here, and with --long.
HUNTS = [('write', 4, 60), ('fail', 4, 20), ('short', 1, 3), ('memory', 1, 10), ('power', 2, 20),
         ('cut', 6, 100), ('flip', 10, 250), ('lost', 6, 9999)]


def processor_seconds():
    """Of all that was run and has ended: says more than the clock on a busy machine."""
    used = os.times()
    return used.children_user + used.children_system


class Check:
    def __init__(self, options):
        self.long = options.long
        self.jobs = options.jobs
        self.passed = 0
        self.failed = []
        self.is_beside = False
        self.lock = threading.Lock()
        # Debian's python3 and meson, whatever else stands first in PATH.
        self.environ = {**os.environ, 'PATH': '/usr/bin:' + os.environ['PATH'],
                        'PYTHONDONTWRITEBYTECODE': '1', 'LC_ALL': 'C.UTF-8', **SANITIZERS}

    def command(self, name, args, environ=None):
        """Runs a command; what it says is shown only when it fails."""
        started, worked = time.monotonic(), processor_seconds()
        before = '' if self.is_beside else f'{name} ... '
        print(before, end='', flush=True)
        done = subprocess.run([str(arg) for arg in args], cwd=ROOT, text=True, errors='replace',
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**self.environ, **(environ or {})})
        verdict = 'ok' if done.returncode == 0 else f'FAILED ({done.returncode})'
        taken = f'{time.monotonic() - started:.0f} s'
        if self.is_beside:
            verdict = f'{name} ... {verdict} ({taken}, beside others)'
        else:
            verdict += f' ({taken}, {processor_seconds() - worked:.0f} s of processors)'
        shown = done.stdout.splitlines()[-OUTPUT_LINES_SHOWN:] if done.returncode != 0 else []
        print('\n'.join([verdict, *shown]), flush=True)
        return done.returncode == 0

    def beside(self, *suites):
        """Runs suites that wait more than they work side by side."""
        self.is_beside = True
        with concurrent.futures.ThreadPoolExecutor(len(suites)) as pool:
            for done in [pool.submit(suite) for suite in suites]:
                done.result()
        self.is_beside = False

    def build(self, folder, setup, environ=None):
        if not (folder / 'build.ninja').exists() and not self.command(
                f'set up {folder.name}', ['/usr/bin/meson', 'setup', *setup, folder], environ):
            self.failed.append(f'set up {folder.name}')
            return False
        if not self.command(f'build {folder.name}', ['ninja', '-C', folder, '-j', self.jobs]):
            self.failed.append(f'build {folder.name}')
            return False
        return True

    def meson(self, folder, *options):
        log = folder / 'meson-logs/testlog.json'
        log.unlink(missing_ok=True)
        ok = self.command(f'tests of the {folder.name} build',
                          ['/usr/bin/meson', 'test', '-C', folder, '--no-rebuild',
                           '--print-errorlogs', '--num-processes', self.jobs, *options])
        results = [json.loads(line) for line in log.read_text().splitlines()] \
            if log.exists() else []
        # A test that skips itself shows nothing, so it counts as failed.
        bad = [f'{folder.name}: {one["name"]}' for one in results
               if one['result'] not in ('OK', 'EXPECTEDFAIL')]
        self.passed += len(results) - len(bad)
        self.failed += bad
        if not results or (not ok and not bad):
            self.failed.append(f'{folder.name}: meson test')

    def script(self, name, script, *args):
        """Runs one of the black-box suites, which all write the same kind of report."""
        report = REPORTS / (name.replace(' ', '-').replace(',', '') + '.json')
        report.unlink(missing_ok=True)
        ok = self.command(name, ['/usr/bin/python3', script, '--report', report, *args])
        self.count(name, ok, report)

    def count(self, name, ok, report):
        results = json.loads(report.read_text()) if report.exists() else \
            {'passed': [], 'failed': []}
        failed = [f'{name}: {test}' for test in results['failed']]
        if not failed and not (ok and results['passed']):
            failed = [name]
        with self.lock:
            self.passed += len(results['passed'])
            self.failed += failed

    def node(self, name, *args, **environ):
        """Runs a suite of JavaScript, which writes the same kind of report."""
        report = REPORTS / (name.replace(' ', '-').replace(',', '') + '.json')
        report.unlink(missing_ok=True)
        ok = self.command(name, [NODE, 'test/web/run.js', '--report', report, *args],
                          {'TWOTICKS': str(RELEASE / 'twoticks'), **environ})
        self.count(name, ok, report)

    def simple(self, name, *args):
        if self.command(name, args):
            self.passed += 1
        else:
            self.failed.append(name)

    def threads(self):
        """ThreadSanitizer over whatever has threads."""
        environ = {'TSAN_OPTIONS': f'suppressions={ROOT / "test/tsan.supp"}:exitcode=66'}
        self.environ.update(environ)
        if self.build(TSAN, ['--buildtype=debugoptimized', '-Db_sanitize=thread',
                             '-Db_lundef=false', '-Dweb=disabled'],
                      {'CC': 'clang-14', 'CXX': 'clang++-14'}):
            self.meson(TSAN, '--suite', 'unit', '--suite', 'contract', '--timeout-multiplier', '8')
            self.script('scenarios, threads, 3 nodes', 'test/scenario/run.py', '--program',
                        TSAN / 'twoticks', '--nodes', 3, '--patience', 8, '--jobs', 4)

    def run(self):
        REPORTS.mkdir(parents=True, exist_ok=True)
        self.simple('node', 'tool/node')
        release = self.build(RELEASE, ['--buildtype=release', '-Dweb=enabled'])
        asan = self.build(ASAN, ['--buildtype=debugoptimized', '-Db_sanitize=address,undefined',
                                 '-Db_lundef=false', '-Dweb=disabled'],
                          {'CC': 'clang-14', 'CXX': 'clang++-14'})
        if release:
            self.meson(RELEASE)
        if asan:
            # What is planted is found by the same seeds in every build.
            self.meson(ASAN, '--no-suite', 'style', '--no-suite', 'scale', '--no-suite', 'planted',
                       *([] if self.long else ['--no-suite', 'push']),
                       '--timeout-multiplier', '4')
        if release and asan:
            self.simple('the same seed is the same run in both builds', 'tool/same-runs',
                        RELEASE, ASAN, '300' if self.long else '12')
        if release:
            program = RELEASE / 'twoticks'
            # With 3 nodes they are played below, sanitized.
            for nodes in (1, 3) if self.long or not asan else (1,):
                self.script(f'scenarios, {nodes} nodes', 'test/scenario/run.py',
                            '--program', program, '--nodes', nodes)
            for servers in (2, 3) if self.long else (3,):
                self.script(f'scenarios, {servers} servers', 'test/scale/run.py',
                            '--program', program, '--servers', servers, '--patience', 3,
                            *([] if self.long else ['--brief']))
            self.script('servers killed under load', 'test/scale/survive.py', '--program',
                        program, '--rounds', 40 if self.long else 3, '--patience', 4)
            self.simple('CPU of a request', 'test/scale/cpu.py', '--requests', '10000')
            if self.long:
                self.simple('every planted bug is found', RELEASE / 'sim/sim', 'mutants',
                            '--seeds', '2500')
                self.script('Sentinel', 'test/scale/sentinel.py', '--program', program,
                            '--patience', 3)
            self.script('the wire', 'test/wire/run.py', '--program', RELEASE / 'test/wire/echo')
            self.script('killed under load', 'test/crash/kill.py', '--program', program,
                        '--rounds', 25 if self.long else 10)
            for kind, few, many in HUNTS:
                self.script(f'crashes, {kind}', 'test/crash/hunt.py', kind, '--program', program,
                            '--rounds', many if self.long else few,
                            '--seconds', 2.5 if self.long else 0.5)
            self.script('a full disk', 'test/crash/full_disk.py', '--program', program)
        if release:
            self.node('types', '--types')
            self.beside(
                lambda: self.script('stores and registries behind TLS', 'test/scale/tls.py',
                                    '--program', program),
                lambda: self.script('clients that move at random', 'test/scale/wander.py',
                                    '--program', program, '--patience', 4, '--seconds',
                                    60 if self.long else 3, '--clients', 50 if self.long else 10),
                lambda: self.node('library', 'sdk/js/test'),
                *([] if self.long else [lambda: self.node('browser', *STORIES)]))
            if self.long:
                self.node('library, many stories', 'sdk/js/test/model.test.ts', RUNS='200')
                self.node('browser', 'test/web')
        if asan:
            self.script('scenarios, sanitized, 3 nodes', 'test/scenario/run.py',
                        '--program', ASAN / 'twoticks', '--nodes', 3, '--patience', 4)
        if self.long:
            if asan:
                self.script('the wire, sanitized', 'test/wire/run.py', '--patience', 4,
                            '--program', ASAN / 'test/wire/echo')
            self.script('soak', 'test/soak/run.py', '--program', RELEASE / 'twoticks')
            self.threads()
            self.simple('fuzzing', 'tool/fuzz', str(FUZZ_SECONDS))
            if release:
                self.simple('beside Node', 'bench/peers/run', 'node', '--rounds', '1',
                            '--seconds', '2', '--pairs', '20')
                self.simple('floods', '/usr/bin/python3', 'test/security/floods.py', '--program',
                            RELEASE / 'twoticks')
            self.simple('clang-tidy', 'tool/lint', '--tidy', ASAN, '30000')
            self.simple('cppcheck', 'tool/lint', '--cppcheck')
            self.simple('gcc -fanalyzer', 'tool/lint', '--analyzer')


def main():
    parser = argparse.ArgumentParser(prog='./check', description=__doc__.splitlines()[0])
    parser.add_argument('--long', action='store_true',
                        help='more crash rounds, a soak, fuzzing, ThreadSanitizer and static '
                             'analysis too')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(),
                        help='commands to run side by side (default: the number of cores)')
    check = Check(parser.parse_args())
    started = time.monotonic()
    try:
        check.run()
    except KeyboardInterrupt:
        check.failed.append('interrupted')
    for name in check.failed:
        print(f'failed: {name}')
    print(f'in {time.monotonic() - started:.0f} s, {processor_seconds():.0f} s of processors')
    print(f'{check.passed} passed, {len(check.failed)} failed')
    return bool(check.failed) or check.passed == 0


if __name__ == '__main__':
    sys.exit(main())
