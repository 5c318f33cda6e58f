"""Budgets: how much may be asked for within a minute, in buckets that refill evenly.

A bucket is one instant, up to which what was taken is paid off (GCRA). All buckets of a request are
looked at and filled by one script in Redis, on Redis' clock; where Redis does not answer in time,
by the same rule within the process, for its share.
"""

import asyncio
import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hiredis

from csapi.kit.redis_line import RedisLine

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
REDIS_SECONDS = 0.1
# After a failure Redis is left alone for so long: requests do not queue up behind it.
APART_SECONDS = 1.0
REMEMBERED = 50_000
MICRO = 1_000_000

# For each bucket: what one unit lasts, the window, what is taken; in microseconds and units. The
# answer: the bucket that bites, from 1, or 0; how long until it would not; how full each is.
SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local bites, wait, had, filled = 0, 0, {}, {}
for i = 1, #KEYS do
  local unit, window, units = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local full_at = tonumber(redis.call('GET', KEYS[i]) or now) or now
  had[i] = math.min(math.max(full_at - now, 0), window)
  filled[i] = had[i] + units * unit
  if filled[i] - window > wait then bites, wait = i, filled[i] - window end
end
if bites == 0 then
  for i = 1, #KEYS do
    local ms = math.max(1, math.ceil(filled[i] / 1000))
    redis.call('SET', KEYS[i], string.format('%.0f', now + filled[i]), 'PX', ms)
  end
end
local answer = {bites, math.ceil(wait)}
for i = 1, #KEYS do answer[i + 2] = math.ceil(bites == 0 and filled[i] or had[i]) end
return answer
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` units within a window, as one burst or spread over it."""

    name: str
    quota: int
    window_seconds: int = WINDOW_SECONDS

    @property
    def unit_micros(self) -> float:
        return self.window_seconds * MICRO / self.quota

    @property
    def window_micros(self) -> int:
        return self.window_seconds * MICRO


@dataclass(frozen=True, slots=True)
class Bucket:
    """Whose budget, by which policy."""

    key: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Taken:
    """`bites`: the bucket without room, from 0; None if all had it. `filled`: microseconds until
    each bucket is full again."""

    bites: int | None
    wait_micros: int
    filled: Sequence[int]

    def left(self, number: int, policy: Policy) -> int:
        return max(0, int((policy.window_micros - self.filled[number]) / policy.unit_micros))


class LocalBuckets:
    """The same within the process. Forgets those that were not used for longest."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def take(
        self, buckets: Sequence[Bucket], units: float, *, share: float = 1.0, now: float
    ) -> Taken:
        """`now` in seconds of a clock that only goes forward; `share` of each budget is ours."""
        had: list[float] = []
        filled: list[float] = []
        bites, wait = None, 0.0
        for number, bucket in enumerate(buckets):
            window = bucket.policy.window_micros
            had.append(max(0.0, (self._until.get(bucket.key, now) - now) * MICRO))
            filled.append(had[-1] + min(units * bucket.policy.unit_micros / share, window))
            if filled[-1] - window > wait:
                bites, wait = number, filled[-1] - window
        if bites is not None:
            return Taken(bites, math.ceil(wait), [math.ceil(each) for each in had])
        for bucket, full in zip(buckets, filled, strict=True):
            self._until.pop(bucket.key, None)
            self._until[bucket.key] = now + full / MICRO
        while len(self._until) > REMEMBERED:
            self._until.popitem(last=False)
        return Taken(None, 0, [math.ceil(each) for each in filled])


class Buckets:
    """In Redis while it answers, else for `share` of each budget in this process."""

    def __init__(self, redis_url: str | None, *, share: float = 1.0) -> None:
        self._line = None if redis_url is None else RedisLine(redis_url)
        self._local = LocalBuckets()
        self._share = share
        self._apart_until = 0.0
        self._is_apart = False

    async def take(self, buckets: Sequence[Bucket], units: float) -> Taken:
        """Take `units` from all of the buckets, or from none if one has not enough."""
        now = time.monotonic()
        if self._line is not None and now >= self._apart_until:
            try:
                async with asyncio.timeout(REDIS_SECONDS):
                    taken = await self._ask(self._line, buckets, units)
            except Exception as error:  # noqa: BLE001  whatever it is, requests are still limited
                self._part(error)
            else:
                if self._is_apart:
                    self._is_apart = False
                    log.info("budgets are counted in Redis again")
                return taken
        return self._local.take(buckets, units, share=self._share, now=now)

    def _part(self, error: Exception) -> None:
        if self._line is not None:
            self._line.drop()
        self._apart_until = time.monotonic() + APART_SECONDS
        if not self._is_apart:
            self._is_apart = True
            log.warning("budgets are counted in each process: %s", type(error).__name__)

    async def _ask(self, line: RedisLine, buckets: Sequence[Bucket], units: float) -> Taken:
        words: list[str | float] = [len(buckets), *(each.key for each in buckets)]
        for each in buckets:
            policy = each.policy
            words += [policy.unit_micros, policy.window_micros, min(units, policy.quota)]
        try:
            answer: Any = await line.call("EVALSHA", SCRIPT_SHA, *words)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            answer = await line.call("EVAL", SCRIPT, *words)
        bites, wait, *filled = answer
        return Taken(bites - 1 if bites else None, wait, filled)

    def close(self) -> None:
        if self._line is not None:
            self._line.drop()
