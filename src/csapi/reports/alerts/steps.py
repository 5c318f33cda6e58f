"""What a look does to the event that is under way, so that what lasts is one event. Pure."""

from enum import StrEnum

from csapi.reports.alerts.detector import Finding

RELEASE = 3


class Step(StrEnum):
    """What a look does to the event that is under way, if one is."""

    fire = "fire"
    go_on = "go_on"
    wait = "wait"
    end = "end"
    nothing = "nothing"


def step(finding: Finding, quiet: int | None) -> Step:
    """So that what lasts is one event: it is over once RELEASE looks in a row found nothing. quiet:
    how many did, None where no event is under way. What was not judged counts for nothing."""
    if finding.is_out:
        return Step.fire if quiet is None else Step.go_on
    if quiet is None or finding.reason is not None:
        return Step.nothing
    return Step.end if quiet + 1 >= RELEASE else Step.wait
