"""Which statements of two sessions cannot tell in which order they ran.

In READ COMMITTED a statement sees what was committed before it, and waits for rows that another
open transaction has locked. So two statements are dependent when one commits what the other reads
or locks, or when both may want the same lock. What is read out of the SQL text is coarse (whole
tables): it can take independent statements for dependent, never the other way round.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from csapi.kit.tables import metadata

TABLES = frozenset(metadata.tables)
WORD = re.compile(r"\w+")
CHANGED = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)", re.IGNORECASE)
INSERTED = re.compile(r"\bINSERT\s+INTO\s+(\w+)", re.IGNORECASE)
LOCKING = re.compile(r"\bFOR\s+(?:(?:NO\s+KEY\s+)?UPDATE|SHARE)\b", re.IGNORECASE)
# No unique key: an insert neither waits nor makes others wait.
APPENDED = frozenset({"marks", "subject_marks"})


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a statement reads, what it changes, which locks it takes; `ends` with a commit."""

    reads: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    locks: frozenset[str] = frozenset()
    ends: bool = False

    def __or__(self, other: "Footprint") -> "Footprint":
        return Footprint(
            self.reads | other.reads, self.changes | other.changes, self.locks | other.locks
        )

    def published(self) -> "Footprint":
        return Footprint(frozenset(), self.changes, self.locks, ends=True)

    def withdrawn(self) -> "Footprint":
        return Footprint(frozenset(), frozenset(), self.locks, ends=True)

    def with_locks(self, locks: frozenset[str]) -> "Footprint":
        return replace(self, locks=self.locks | locks)


NOTHING = Footprint()


@cache
def footprint(sql: str) -> Footprint:
    words = Counter(WORD.findall(sql))
    inserted = Counter(INSERTED.findall(sql))
    reads = frozenset(name for name in words.keys() & TABLES if words[name] > inserted[name])
    changes = frozenset(CHANGED.findall(sql)) & TABLES
    appends = inserted.keys() & APPENDED
    locks = changes - (appends - reads)
    if LOCKING.search(sql):
        locks |= reads
    if "REPEATABLE READ" in sql:
        reads = TABLES
    if "pg_advisory_xact_lock_shared" in words:
        locks |= {"tenant:shared"}
    elif "pg_advisory_xact_lock" in words:
        locks |= {"tenant:exclusive"}
    return Footprint(reads, changes, locks)


def may_wait(one: frozenset[str], other: frozenset[str]) -> bool:
    if (one & other) - {"tenant:shared"}:
        return True
    tenant = {name for name in one | other if name.startswith("tenant:")}
    both = any(n.startswith("tenant:") for n in one) and any(n.startswith("tenant:") for n in other)
    return both and "tenant:exclusive" in tenant


@lru_cache(maxsize=100_000)
def dependent(one: Footprint, other: Footprint) -> bool:
    """Whether the order of two statements of different sessions can matter."""
    if one.ends and other.ends:
        return bool(one.changes and other.changes) or may_wait(one.locks, other.locks)
    if may_wait(one.locks, other.locks):
        return True
    if one.ends:
        return bool(one.changes & other.reads)
    if other.ends:
        return bool(other.changes & one.reads)
    return False
