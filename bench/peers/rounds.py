"""rounds: runs a load generator against a server and says what it took on both sides.

The generator prints its result at the end of the seconds that it counted, so these are known here:
the CPU time of both sides is read all the while, and what falls into that span counts.
"""
import json
import os
import pathlib
import subprocess
import threading
import time

TICKS = os.sysconf('SC_CLK_TCK')
SAMPLE_SECONDS = 0.05
SETTLE_SECONDS = 0.5
SETTLED = 0.05  # of a core
SETTLE_TRIES = 60


def cpu_of(pids):
    """Seconds of CPU time, of all threads of these processes."""
    ticks = 0
    for pid in pids:
        try:
            stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # After the name, which may hold anything: fields 14 and 15 of proc(5).
        fields = stat.rpartition(')')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def family_of(pid):
    """The process and all that descend from it."""
    children = {}
    for entry in pathlib.Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / 'stat').read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parent = int(stat.rpartition(')')[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    family = [pid]
    for member in family:
        family.extend(children.get(member, []))
    return family


def settle(pids):
    """Waits until what the last round left to do, such as compactions, is done: the next one, of
    another server on the same core, must not pay for it."""
    family = [member for pid in pids for member in family_of(pid)]
    for _ in range(SETTLE_TRIES):
        before = cpu_of(family)
        threading.Event().wait(SETTLE_SECONDS)
        if cpu_of(family) - before < SETTLED * SETTLE_SECONDS:
            return


class Sampler:
    """Notes how much CPU time these processes have used, and when."""

    def __init__(self, families):
        self.families = families
        self.samples = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def sample(self):
        self.samples.append((time.monotonic(), [cpu_of(family) for family in self.families]))

    def run(self):
        self.sample()
        while not self.ended.wait(SAMPLE_SECONDS):
            self.sample()

    def between(self, start, end):
        """CPU seconds of each family within this span, by the samples nearest to its ends."""
        samples = list(self.samples)
        first = min(samples, key=lambda sample: abs(sample[0] - start))
        last = min(samples, key=lambda sample: abs(sample[0] - end))
        span = (end - start) / (last[0] - first[0])
        return [(after - before) * span for before, after in zip(first[1], last[1])]


SYNCS = ('fsync', 'fdatasync', 'sync_file_range', 'msync', 'sync', 'syncfs')


def tracing_syncs(file):
    """What a server is started with so that `syncs_since` can count; nothing else is slowed."""
    return ['strace', '-D', '-f', '-qq', '--seccomp-bpf', '-ttt', '-e', 'trace=' + ','.join(SYNCS),
            '-e', 'signal=none', '-o', str(file)]


def syncs_since(file, start):
    """How many there were since this time of day."""
    count = 0
    for line in file.read_text().splitlines():
        _, at, call = line.split(maxsplit=2)
        count += float(at) >= start and call.startswith(tuple(name + '(' for name in SYNCS))
    return count


def measure(server_pids, command, log):
    """One round: the generator's result, with the CPU time of both sides."""
    family = [member for pid in server_pids for member in family_of(pid)]
    generator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        with Sampler([family, [generator.pid]]) as sampler:
            line = generator.stdout.readline()
            end = time.monotonic()
            sampler.sample()
            generator.stdout.read()
        status = generator.wait()
    finally:
        if generator.poll() is None:
            generator.kill()
            generator.wait()
    if status != 0 or not line.startswith('{'):
        raise RuntimeError('the load generator failed')
    result = json.loads(line)
    server, load = sampler.between(end - result['seconds'], end)
    result['server_us'] = 1e6 * server / result['messages']
    result['load_us'] = 1e6 * load / result['messages']
    result['server_busy'] = server / result['seconds']
    result['load_busy'] = load / result['seconds']
    return result
