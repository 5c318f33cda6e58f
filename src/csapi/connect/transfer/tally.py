"""The account of an import: every row that was read ends in exactly one of its numbers."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from csapi.connect.transfer.rejects import Reject, Rejects

STATUSES = ("created", "updated", "duplicate", "stale", "rejected")


@dataclass(slots=True)
class Origin:
    """The row that items come from. `raw` is the row as it was read."""

    line: int
    raw: Any
    rejected: bool = False


@dataclass(slots=True)
class Tally:
    """Counts, under one lock: the reading thread and the sending ones share it."""

    rejects: Rejects
    skipped: dict[str, int] = field(default_factory=dict)
    items: dict[str, Counter[str]] = field(default_factory=dict)
    mapped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    rows_rejected: int = 0
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, resource: str, statuses: Counter[str]) -> None:
        with self.lock:
            self.items[resource] += statuses

    def reject_row(self, reject: Reject) -> None:
        with self.lock:
            self.rows_rejected += 1
            self._record(reject)

    def reject_item(self, origin: Origin, found: list[Reject], *, counted: bool) -> None:
        """All that is wrong with one item. `counted`: its rejection is in the items already."""
        with self.lock:
            if not origin.rejected:
                origin.rejected = True
                self.rows_rejected += 1
            if not counted:
                self.items[found[0].resource]["rejected"] += 1
            for reject in found:
                self._record(reject)

    def _record(self, reject: Reject) -> None:
        self.reasons[f"{reject.resource} {reject.pointer} {reject.code}".strip()] += 1
        self.rejects.write(reject)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def summary(self) -> dict[str, Any]:
        with self.lock:
            return {
                "rows_read": self.rows_read,
                "rows_skipped": sum(self.skipped.values()),
                "rows_rejected": self.rows_rejected,
                "items": {
                    resource: {status: counts[status] for status in STATUSES}
                    for resource, counts in self.items.items()
                },
                "seconds": round(self.seconds, 3),
                "rejects_file": self.rejects.written_to,
                "skipped_by_rule": dict(self.skipped),
            }
