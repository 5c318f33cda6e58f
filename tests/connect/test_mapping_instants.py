"""Dates, times, zones: what a local time means, above all where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.mapped import HEAD, map_text, topics

from csapi.connect.mapping.errors import CellError
from csapi.connect.mapping.formats import moment_parser, time_parser
from csapi.connect.mapping.zones import LocalTimes


def naive(*parts: int) -> datetime:
    """A local time, as a file has it."""
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001


BERLIN = 'zone = "Europe/Berlin"'


def instants(spec: str, *cells: str, top: str = BERLIN) -> list[object]:
    return topics(spec, *cells, top=top)


def test_formats_in_their_order() -> None:
    spec = '{ column = "x", type = "instant", format = ["%d/%m/%Y %H:%M", "%d-%b-%y", "iso"] }'
    assert instants(spec, "26/08/2023 18:39", "26-Aug-23", "2023-08-26T18:39:00+05:30", "") == [
        "2023-08-26T16:39:00Z",
        "2023-08-25T22:00:00Z",
        "2023-08-26T13:09:00Z",
        None,
    ]


@pytest.mark.parametrize(
    ("fmt", "text", "expected"),
    [
        ("%y%m%d", "990101", date(1999, 1, 1)),
        ("%y%m%d", "680101", date(2068, 1, 1)),
        ("%d.%m.%Y", "1.2.2026", date(2026, 2, 1)),
        ("%B %d, %Y %I:%M %p", "march 5, 2026 12:07 am", naive(2026, 3, 5, 0, 7)),
        ("%B %d, %Y %I:%M %p", "March 5, 2026 12:07 PM", naive(2026, 3, 5, 12, 7)),
        ("%a %b %d %H:%M:%S %z %Y", "Tue Oct 31 22:10:47 +0000 2017",
         datetime(2017, 10, 31, 22, 10, 47, tzinfo=UTC)),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-05 10:00:00.25", naive(2026, 1, 5, 10, 0, 0, 250_000)),
        ("%H:%M %d/%m/%Y", "9:05 31/12/2026", naive(2026, 12, 31, 9, 5)),
        ("unix", "1767607200.5", datetime(2026, 1, 5, 10, 0, 0, 500_000, UTC)),
        ("unix_ms", "1767607200500", datetime(2026, 1, 5, 10, 0, 0, 500_000, UTC)),
        ("unix", "-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("iso", "2026-01-05", date(2026, 1, 5)),
        ("iso", "2026-01-05 10:00", naive(2026, 1, 5, 10)),
        ("%d/%m/%Y", "31/02/2026", None),
        ("%d/%m/%Y", "1/2/26", None),
        ("%Y-%m-%d %H:%M", "2026-01-05 24:00", None),
        ("%Y-%m-%d", "٢٠٢٦-01-05", None),
        ("iso", "yesterday", None),
        ("unix", "1e9", None),
        ("unix", "999999999999999", None),
    ],
)  # fmt: skip
def test_parsing(fmt: str, text: str, expected: object) -> None:
    assert moment_parser(fmt)(text) == expected


def test_two_digit_years_in_a_window_of_choice() -> None:
    spec = '{ column = "x", type = "instant", format = "%d.%m.%y", year_from = 1930 }'
    assert instants(spec, "01.01.30", "01.01.29", top='zone = "UTC"') == [
        "1930-01-01T00:00:00Z",
        "2029-01-01T00:00:00Z",
    ]


FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "%d %b %Y %I:%M %p",
    "%A, %d %B %y %H:%M", "%m/%d/%y %I:%M:%S %p", "%S:%M:%H %d.%m.%Y", "%Y-%m-%dT%H:%M:%S.%f%z",
]  # fmt: skip


@given(
    st.datetimes(naive(1969, 1, 1), naive(2068, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(FORMATS),
)
def test_reads_what_strptime_reads(moment: datetime, fmt: str) -> None:
    text = moment.strftime(fmt)
    assert moment_parser(fmt)(text) == datetime.strptime(text, fmt)  # noqa: DTZ007


@given(st.text(max_size=30), st.sampled_from(FORMATS))
def test_never_raises_and_never_reads_more_than_strptime(text: str, fmt: str) -> None:
    parsed = moment_parser(fmt)(text)
    if parsed is not None:
        assert parsed == datetime.strptime(text, fmt)  # noqa: DTZ007


@given(st.times())
def test_times_of_day(moment: time) -> None:
    whole = moment.replace(microsecond=0)
    assert time_parser("%H:%M:%S")(whole.isoformat()) == whole
    assert time_parser("%I:%M:%S %p")(whole.strftime("%I:%M:%S %p")) == whole


def test_a_date_column_and_a_time_column() -> None:
    spec = """
    answered_at = { date = "d", date_format = "%y%m%d", time = "t" }
    """
    mapped = map_text(
        'zone = "Asia/Jerusalem"' + HEAD + spec,
        "id,d,t\na,990101,0:00:31\nb,990101,\nc,,1:00:00\nd,990701,10:00\n",
    )
    assert [call.get("answered_at") for call in mapped.calls] == [
        "1998-12-31T22:00:31Z", None, None, "1999-07-01T07:00:00Z",
    ]  # fmt: skip


MIDNIGHT = """
zone = "Europe/Berlin"
[values]
begun = { date = "d", time = "b" }
[[output]]
resource = "calls"
[output.fields]
source = { const = "s" }
external_id = "id"
queue_entered_at = "begun"
ended_at = { date = "d", time = "e", after = "begun" }
"""


def test_work_that_ends_after_midnight_ends_on_the_next_day() -> None:
    mapped = map_text(
        MIDNIGHT, "id,d,b,e\na,2026-01-05,23:58:00,0:03:00\nb,2026-01-05,10:00:00,9:59:58\n"
    )
    assert [call["ended_at"] for call in mapped.calls] == [
        "2026-01-05T23:03:00Z",
        "2026-01-05T08:59:58Z",
    ]


def test_how_far_before_is_the_next_day_can_be_set() -> None:
    mapping = MIDNIGHT.replace('after = "begun"', 'after = "begun", slack_seconds = 0')
    mapped = map_text(mapping, "id,d,b,e\nb,2026-01-05,10:00:00,9:59:58\n")
    assert mapped.calls[0]["ended_at"] == "2026-01-06T08:59:58Z"


def test_the_next_day_is_a_day_of_the_calendar() -> None:
    mapped = map_text(MIDNIGHT, "id,d,b,e\nc,2026-03-28,23:30:00,2:00:00\n")
    assert mapped.reasons == [(2, "/ended_at", "nonexistent_time")]


GAP, OVERLAP = "2026-03-29 02:30:00", "2026-10-25 02:30:00"


def test_hours_that_clocks_skip_or_repeat_are_rejected_unless_the_mapping_decides() -> None:
    mapping = BERLIN + HEAD + 'answered_at = { column = "x", type = "instant" }'
    mapped = map_text(mapping, f"id,x\na,{GAP}\nb,{OVERLAP}\nc,2026-10-25 03:30:00\n")
    assert mapped.reasons == [
        (2, "/answered_at", "nonexistent_time"),
        (3, "/answered_at", "ambiguous_time"),
    ]
    assert "set nonexistent to forward or backward" in mapped.rejects[0]["reason"]
    assert "occurs twice in Europe/Berlin; set ambiguous" in mapped.rejects[1]["reason"]
    assert mapped.calls[0]["answered_at"] == "2026-10-25T02:30:00Z"


@pytest.mark.parametrize(
    ("settings", "text", "expected"),
    [
        ('nonexistent = "forward"', GAP, "2026-03-29T01:30:00Z"),
        ('nonexistent = "backward"', GAP, "2026-03-29T00:30:00Z"),
        ('ambiguous = "earlier"', OVERLAP, "2026-10-25T00:30:00Z"),
        ('ambiguous = "later"', OVERLAP, "2026-10-25T01:30:00Z"),
    ],
)
def test_decisions_about_daylight_saving(settings: str, text: str, expected: str) -> None:
    spec = '{ column = "x", type = "instant" }'
    assert instants(spec, text, top=f"{BERLIN}\n{settings}") == [expected]
    spec = '{ column = "x", type = "instant", zone = "Europe/Berlin", %s }' % settings  # noqa: UP031
    assert instants(spec, text, top='zone = "UTC"') == [expected]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # midnight is skipped
        ("Asia/Amman", "2021-10-29", "2021-10-28T21:00:00Z"),  # midnight comes twice
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),  # the day before never was
    ],
)
def test_a_date_alone_is_the_start_of_that_day(zone: str, day: str, expected: str) -> None:
    spec = '{ column = "x", type = "instant" }'
    assert instants(spec, day, top=f'zone = "{zone}"') == [expected]


ZONES = ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Asia/Gaza",
         "UTC", "Africa/Casablanca", "Pacific/Apia"]  # fmt: skip


@given(
    st.datetimes(naive(1975, 1, 1), naive(2037, 12, 31)),
    st.sampled_from(ZONES),
    st.sampled_from([("earlier", "forward", 0), ("later", "backward", 1)]),
)
def test_local_times_agree_with_zoneinfo(
    local: datetime, zone: str, policy: tuple[str, str, int]
) -> None:
    ambiguous, nonexistent, fold = policy
    times = LocalTimes(ZoneInfo(zone), ambiguous, nonexistent)
    expected = local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
    assert times.utc(local) == expected
    back = expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    strict = LocalTimes(ZoneInfo(zone), "reject", "reject")
    if back != local:
        with pytest.raises(CellError, match="does not exist"):
            strict.utc(local)


@given(st.sampled_from(ZONES), st.integers(1975, 2037), st.integers(0, 366 * 24 * 4))
def test_strict_zones_reject_exactly_the_hours_in_doubt(zone: str, year: int, quarter: int) -> None:
    local = naive(year, 1, 1) + timedelta(minutes=15 * quarter)
    info = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=info, fold=fold).utcoffset() for fold in (0, 1))
    strict = LocalTimes(info, "reject", "reject")
    if first == second:
        assert strict.utc(local) == local.replace(tzinfo=info).astimezone(UTC)
    else:
        with pytest.raises(CellError):
            strict.utc(local)


def test_without_a_zone_an_instant_needs_an_offset() -> None:
    mapping = HEAD + 'answered_at = { column = "x", type = "instant" }'
    mapped = map_text(mapping, "id,x\na,2026-01-05T10:00:00Z\nb,2026-01-05T10:00:00\n")
    assert mapped.calls[0]["answered_at"] == "2026-01-05T10:00:00Z"
    assert mapped.reasons == [(3, "/answered_at", "timezone_required")]
