"""Fixed bins for durations: the same edges for everybody, for ever, so that bins merge by sum.

Bin 0 holds 0 ms, bin i the durations above EDGES[i - 1] up to and including EDGES[i] (right-closed:
"within 20 s" is exact because 20 s is an edge). SQL gets the bin of a duration with
width_bucket(duration_ms - 1, EDGES), which counts the edges at or below its argument.
"""

from bisect import bisect_left
from itertools import chain

GAMMA = 1.02
# Half the width of a bin: how far a percentile that is read from bins can be off.
RELATIVE_ERROR = 0.01
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
LONGEST = 400 * DAY

EXACT_SECONDS = (*range(1, 61), *range(65, 301, 5), *range(330, 3601, 30))
EXACT_THRESHOLDS = frozenset(
    chain(
        (seconds * SECOND for seconds in EXACT_SECONDS),
        (minutes * MINUTE for minutes in range(60, 601, 5)),
        (hours * HOUR for hours in range(1, 169)),
        (days * DAY for days in range(1, 91)),
    )
)
# "Shorter than 5 s" is "at most 4,999 ms".
STRICT_THRESHOLDS = frozenset(seconds * SECOND - 1 for seconds in range(1, 61))


def _logarithmic() -> frozenset[int]:
    """Whole milliseconds, each at most GAMMA times the one before where that is possible."""
    edges, edge = [0], 0
    while edge < LONGEST:
        edge = max(edge + 1, int(edge * GAMMA))
        edges.append(edge)
    return frozenset(edges)


EDGES: tuple[int, ...] = tuple(sorted(_logarithmic() | EXACT_THRESHOLDS | STRICT_THRESHOLDS))
_BIN_AFTER = {edge: index for index, edge in enumerate(EDGES, start=1)}

# What width_bucket is given: float8 holds these integers exactly and has a fast search of its own.
EDGE_VALUES = [float(edge) for edge in EDGES]


def bin_of(duration_ms: int) -> int:
    """The bin of a duration."""
    return bisect_left(EDGES, duration_ms) if duration_ms > 0 else 0


def bins_within(threshold_ms: int) -> int | None:
    """The number of the first bin above the threshold, or None where it cuts a bin."""
    return 0 if threshold_ms < 0 else _BIN_AFTER.get(threshold_ms)


def middle(number: int) -> float:
    """The value that stands for a bin, in ms: at most RELATIVE_ERROR away from all of it."""
    if number == 0:
        return 0.0
    if number >= len(EDGES):
        return float(EDGES[-1])
    low, high = EDGES[number - 1] + 1, EDGES[number]
    return 2 * low * high / (low + high)
