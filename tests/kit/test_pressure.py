"""A loop that is held up is late; one that is not, is not."""

import asyncio
import time

from csapi.kit.pressure import LOOK_SECONDS, Pressure


async def test_a_loop_that_is_held_up_again_and_again_is_pressed() -> None:
    pressure = Pressure()
    watching = asyncio.create_task(pressure.watch())
    end = time.monotonic() + 50 * LOOK_SECONDS
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)  # noqa: ASYNC251  holding it up is the point
        await asyncio.sleep(0)
    watching.cancel()
    assert pressure.is_high


async def test_pressure_passes() -> None:
    pressure = Pressure()
    pressure.late_seconds = 0.1
    watching = asyncio.create_task(pressure.watch())
    await asyncio.sleep(10 * LOOK_SECONDS)
    watching.cancel()
    assert pressure.late_seconds < 0.1
