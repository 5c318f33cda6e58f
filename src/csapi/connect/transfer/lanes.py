"""Batches in flight. Items of one key always take the same lane, and a lane sends one at a time.

So the versions of a record arrive in the order of the file, which is what decides between them
when they carry no source_updated_at.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

from csapi.connect.transfer.client import CancelledError
from csapi.connect.transfer.delivery import Batch
from csapi.connect.transfer.tally import Origin

_WAITING_PER_LANE = 2
_TICK = 0.5


class Lanes:
    """`deliver` runs in the lane threads. What it raises comes out of add(), finish() and check().

    `tick` runs in the caller's thread while it waits for a lane.
    """

    def __init__(
        self,
        deliver: Callable[[Batch], None],
        *,
        parallel: int,
        batch_size: int,
        stop: threading.Event,
        tick: Callable[[], None],
    ) -> None:
        self._deliver = deliver
        self._batch_size = batch_size
        self._stop = stop
        self._tick = tick
        self._failure: BaseException | None = None
        self._filling: dict[tuple[int, str], Batch] = {}
        self._queues: list[queue.Queue[Batch | None]] = [
            queue.Queue(_WAITING_PER_LANE) for _ in range(parallel)
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(lane,), name="csapi-import", daemon=True)
            for lane in self._queues
        ]
        for thread in self._threads:
            thread.start()

    def add(self, resource: str, key: str, item: dict[str, Any], origin: Origin) -> None:
        lane = hash(key) % len(self._queues)
        batch = self._filling.get((lane, resource))
        if batch is None:
            batch = self._filling[lane, resource] = Batch(resource, [], [])
        batch.items.append(item)
        batch.origins.append(origin)
        if len(batch.items) >= self._batch_size:
            del self._filling[lane, resource]
            self._put(lane, batch)

    def finish(self) -> None:
        """Send what is left, and wait for every answer."""
        for (lane, _), batch in self._filling.items():
            self._put(lane, batch)
        self._filling.clear()
        for lane in range(len(self._queues)):
            self._put(lane, None)
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_TICK)
                self._tick()
        self.check()

    def abandon(self, patience: float) -> None:
        """Send nothing more, but give the answers that are due a moment to arrive and count."""
        self._stop.set()
        for thread in self._threads:
            thread.join(patience)

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _put(self, lane: int, batch: Batch | None) -> None:
        while True:
            self.check()
            try:
                self._queues[lane].put(batch, timeout=_TICK)
            except queue.Full:
                self._tick()
            else:
                return

    def _run(self, lane: "queue.Queue[Batch | None]") -> None:
        while not self._stop.is_set():
            try:
                batch = lane.get(timeout=_TICK)
            except queue.Empty:
                continue
            if batch is None:
                return
            try:
                self._deliver(batch)
            except CancelledError:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the main thread
                self._failure = self._failure or error
                self._stop.set()
                return
