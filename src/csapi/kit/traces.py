"""W3C Trace Context: which trace a request, a job or a delivery belongs to."""

import re
import secrets
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?\Z")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
LONGEST = 256
SAMPLED = 1


class Trace(NamedTuple):
    """A place in a trace. `span_id`: of what is done here, and the parent of what follows."""

    trace_id: str
    span_id: str
    is_sampled: bool = True

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.is_sampled:02x}"


# What is being worked on here. Log lines name its trace.
at_work: ContextVar[Trace | None] = ContextVar("at_work", default=None)


def read_traceparent(value: bytes) -> Trace | None:
    """Where the caller is in its trace, None where the header is not right.

    Versions to come may have more at the end; ours has not, and ff is none.
    """
    found = _TRACEPARENT.match(value) if len(value) <= LONGEST else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Trace(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & SAMPLED))


def begun(parent: Trace | None = None) -> Trace:
    """A place of our own, in the caller's trace or in a new one."""
    if parent is None:
        fresh = secrets.token_hex(24)
        return Trace(fresh[:32], fresh[32:])
    return parent._replace(span_id=secrets.token_hex(8))
