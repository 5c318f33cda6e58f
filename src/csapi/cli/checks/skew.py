"""How far the clock of a server is from that of this host."""

from dataclasses import dataclass

from csapi.cli.checks.finding import Finding, failed, ok, warning
from csapi.kit.clock import now

WARNED_SECONDS, FAILED_SECONDS = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """`there`, in seconds since 1970, was read at some moment between `before` and `after`."""

    before: float
    there: float
    after: float

    @property
    def skew_seconds(self) -> float:
        """0 where the difference may be the way alone."""
        if self.there < self.before:
            return self.there - self.before
        return max(0.0, self.there - self.after)


def here() -> float:
    return now().timestamp()


def skew_of(what: str, reading: Reading) -> Finding:
    skew = reading.skew_seconds
    text = f"{what} is {abs(skew):.1f} s {'behind' if skew < 0 else 'ahead of'} this host"
    mend = "Let NTP set the clocks of both machines."
    if abs(skew) > FAILED_SECONDS:
        return failed("clock", text, mend)
    if abs(skew) > WARNED_SECONDS:
        return warning("clock", text, mend)
    return ok("clock", f"{what} and this host agree")
