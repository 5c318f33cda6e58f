"""What the worker does by itself: how long ago, how long, with what luck, and in which trace."""

import time
from collections.abc import Awaitable, Callable

from csapi.kit.spans import Spans
from csapi.kit.telemetry import Sample
from csapi.kit.traces import at_work, begun


class Ran:
    """One job, by its name."""

    def __init__(self) -> None:
        self.ended = time.monotonic()
        self.seconds = 0.0
        self.failures = 0


class Jobs:
    """Of one process. `spans`: where jobs that did something are told."""

    def __init__(self) -> None:
        self.spans: Spans | None = None
        self._ran: dict[str, Ran] = {}

    async def run(self, name: str, work: Callable[[], Awaitable[int]]) -> int:
        """The number of things that were done, in a trace of its own. Names are those of ours."""
        ran = self._ran.setdefault(name, Ran())
        told = None if self.spans is None else self.spans.begin(None, is_request=False)
        at_work.set(begun() if told is None else told.trace)
        began = time.perf_counter()
        done, is_failed = 0, True
        try:
            done = await work()
            is_failed = False
        finally:
            ran.seconds = time.perf_counter() - began
            ran.failures += is_failed
            if not is_failed:
                ran.ended = time.monotonic()
            if told is not None and (done or is_failed):
                told.end(name, {"csapi.done": done}, is_failed=is_failed)
            elif told is not None:
                told.drop()
        return done

    def samples(self) -> list[Sample]:
        now = time.monotonic()
        age = "csapi_job_age_seconds", "Since the job last ended well, or was first begun."
        last = "csapi_job_seconds", "How long its last run took."
        failed = "csapi_job_failures_total", "Runs that failed."
        each = {f'{{job="{name}"}}': ran for name, ran in sorted(self._ran.items())}
        return [
            *(Sample(*age, now - ran.ended, label) for label, ran in each.items()),
            *(Sample(*last, ran.seconds, label) for label, ran in each.items()),
            *(Sample(*failed, ran.failures, label, "counter") for label, ran in each.items()),
        ]


jobs = Jobs()
