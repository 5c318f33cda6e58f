"""traceparent by W3C Trace Context."""

import pytest

from csapi.kit.traces import Trace, begun, read_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("given", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes.later", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
    ],
)
def test_what_is_right_is_read(given: str, *, is_sampled: bool) -> None:
    assert read_traceparent(given.encode()) == Trace(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01 ",
        f"00-{TRACE}-{SPAN}-01\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 300}",
        f"cc-{TRACE}-{SPAN}-01-a\x1b[31m",
    ],
)
def test_what_is_not_right_is_none(given: str) -> None:
    assert read_traceparent(given.encode()) is None


def test_our_place_is_in_the_trace_of_the_caller_or_in_a_new_one() -> None:
    caller = Trace(TRACE, SPAN, is_sampled=False)
    ours = begun(caller)
    assert (ours.trace_id, ours.is_sampled) == (TRACE, False)
    assert ours.span_id != SPAN
    new = begun()
    assert new.trace_id != begun().trace_id
    for each in (ours, new):
        assert read_traceparent(each.traceparent.encode()) == each
