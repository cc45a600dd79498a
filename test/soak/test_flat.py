#!/usr/bin/python3
"""test_flat: in what five minutes of soak sample a leak is seen, and nothing else is taken for one.

usage: test_flat.py
"""
import random
import sys

import flat

SAMPLES = 360  # of the three minutes without kills
MESSAGES = 20000  # in these: of a busy machine
SEEDS = 200


def samples(chance, bytes_per_message=0.0, files_per_message=0.0, peak=0):
    """As of a server: a cache fills, what was written waits and is merged, buffers come and go."""
    period, waiting = chance.randint(10, 60), chance.randint(100 << 10, 1 << 20)
    for number in range(SAMPLES):
        messages = MESSAGES * number // SAMPLES
        resident = (8 << 20) + min(number, 60) * (64 << 10) + chance.randrange(300 << 10)
        resident += number % period * waiting // period
        resident += peak if SAMPLES * 0.9 < number < SAMPLES * 0.95 else 0
        files = 60 + chance.randrange(20)
        yield flat.Sample(messages, int(resident + messages * bytes_per_message),
                          int(files + messages * files_per_message))


def leaks(**more):
    """In how many of many runs a leak is seen."""
    count = 0
    for seed in range(SEEDS):
        some = list(samples(random.Random(seed), **more))
        count += any(growth > allowed for _, growth, allowed in
                     (flat.judge(some, name) for name in flat.SLACK))
    return count


def refused(some):
    try:
        flat.judge(some, 'bytes')
        return False
    except AssertionError:
        return True


CASES = [
    ('without a leak none is seen', leaks(), 0),
    ('a late peak is none', leaks(peak=50 << 20), 0),
    ('300 bytes of each message are one', leaks(bytes_per_message=300), SEEDS),
    ('what is given back is none', leaks(bytes_per_message=-300), 0),
    ('a file of every 500 messages is one', leaks(files_per_message=1 / 500), SEEDS),
    ('a minute is too short to tell', refused(list(samples(random.Random(1)))[:60]), True),
]


def main():
    wrong = [f'{name}: {came}, not {wanted}' for name, came, wanted in CASES if came != wanted]
    print(*wrong, f'{len(CASES)} cases, {len(wrong)} wrong', sep='\n')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
