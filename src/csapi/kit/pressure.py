"""Whether the event loop gets to run when it is due: short of a processor, everything is late."""

import asyncio
import time

LOOK_SECONDS = 0.02
# What a look weighs against all before it: about the last half second counts.
WEIGHT = 0.05
# An idle loop is late by a few tenths of a millisecond.
LATE_SECONDS = 0.002


class Pressure:
    """Looks at how late a timer of the running event loop is, until watch() is cancelled."""

    def __init__(self) -> None:
        self.late_seconds = 0.0

    @property
    def is_high(self) -> bool:
        return self.late_seconds > LATE_SECONDS

    async def watch(self) -> None:
        while True:
            due = time.monotonic() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.late_seconds += WEIGHT * (time.monotonic() - due - self.late_seconds)
