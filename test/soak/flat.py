"""flat: whether what a program takes stays what it was under a steady load.

Samples go up and down: what was written waits in memory and is merged, buffers come and go. So the
time behind the warm-up is cut into parts, of each part only the floor counts (a tenth of its
samples are below), and what is gained per message is the median of the slopes between any two parts
(Theil and Sen). A leak lifts each floor above the one before; a peak lifts one.
"""
import collections
import statistics

Sample = collections.namedtuple('Sample', 'messages bytes files')  # messages: so far

WARM_UP = 0.25  # of the samples: caches fill
PARTS = 6
SAMPLES_MIN = 8 * PARTS
# What is no leak: how far floors move by themselves, and the index, of which some is in memory.
SLACK = {'bytes': 2 << 20, 'files': 6}
PER_MESSAGE = {'bytes': 16, 'files': 0}


def floors(samples, name):
    """(messages so far, what was never left) of each part."""
    behind = samples[int(len(samples) * WARM_UP):]
    assert len(behind) >= SAMPLES_MIN, f'{len(behind)} samples are too few'
    for part in range(PARTS):
        some = behind[part * len(behind) // PARTS:(part + 1) * len(behind) // PARTS]
        values = sorted(getattr(sample, name) for sample in some)
        yield statistics.median(sample.messages for sample in some), values[len(values) // 10]


def judge(samples, name):
    """(messages, growth over them, how much is allowed)"""
    points = list(floors(samples, name))
    slope = statistics.median(
        (later[1] - sooner[1]) / max(later[0] - sooner[0], 1)
        for at, later in enumerate(points) for sooner in points[:at])
    messages = points[-1][0] - points[0][0]
    return messages, slope * messages, SLACK[name] + PER_MESSAGE[name] * messages


def check(samples):
    for name in SLACK:
        messages, growth, allowed = judge(samples, name)
        said = f'{name}: {growth:+.0f} over {messages:.0f} messages, {allowed:.0f} are allowed'
        print(said, flush=True)
        assert growth <= allowed, f'leaked {said}'
