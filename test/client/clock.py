"""clock: deadlines, and the only place where a test waits for something that does not announce
itself."""
import asyncio
import time

# Machines differ, sanitizers slow things down: every deadline is multiplied by this.
patience = 1.0


def set_patience(factor):
    global patience
    patience = factor


async def within(seconds, awaitable, what):
    """The awaitable's result; fails with `what` if it takes longer than that."""
    try:
        return await asyncio.wait_for(awaitable, seconds * patience)
    except asyncio.TimeoutError:
        raise AssertionError(f'not within {seconds:g} s: {what}') from None


async def until(seconds, condition, what):
    """Asks again and again until the condition (a coroutine function) returns something true."""
    deadline = time.monotonic() + seconds * patience
    while True:
        result = await condition()
        if result:
            return result
        assert time.monotonic() < deadline, f'not within {seconds:g} s: {what}'
        await asyncio.sleep(0.02)


async def pass_seconds(seconds):
    """Lets real time go by, for the few promises that are about time itself (an expiry)."""
    await asyncio.sleep(seconds)
