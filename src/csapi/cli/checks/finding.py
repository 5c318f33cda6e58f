"""What a look at one thing found, and what to do about it."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(msgspec.Struct, frozen=True):
    """`mend`: what to do, where something is to be done. Neither text holds a secret."""

    check: str
    state: State
    text: str
    mend: str | None = None


def ok(check: str, text: str) -> Finding:
    return Finding(check, State.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    return Finding(check, State.WARNING, text, mend)


def failed(check: str, text: str, mend: str) -> Finding:
    return Finding(check, State.FAILED, text, mend)
