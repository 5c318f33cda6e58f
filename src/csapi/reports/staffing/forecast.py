"""The forecast: what is likely to come, and who is required for it."""

from datetime import date, timedelta

from csapi.kit.turns import aside
from csapi.metrics.backtesting import LEVELS, Backtest, Errors, Tested, backtest
from csapi.metrics.forecasting import WEEK, Baseline, Day, fitted, naive
from csapi.metrics.periods import Period
from csapi.metrics.zones import day_start, local_date
from csapi.reports.ordering import Shape
from csapi.reports.ranges import known_zone
from csapi.reports.refusals import refuse
from csapi.reports.schemas import FilterNode
from csapi.reports.service import Desk, slowness_told, snapshot_of
from csapi.reports.staffing.asking import HIDDEN, Asker, work_filter
from csapi.reports.staffing.events import Calendar, read_calendar
from csapi.reports.staffing.forecast_days import Question, staffed
from csapi.reports.staffing.forecast_schemas import (
    Forecast,
    ForecastBacktest,
    ForecastErrors,
    ForecastEvent,
    ForecastMethod,
    ForecastParams,
    ForecastReason,
    StaffingParams,
)
from csapi.reports.staffing.measuring import CALLS, CONTACTS
from csapi.reports.staffing.planning import filled_targets
from csapi.reports.staffing.schemas import (
    LONGEST_HISTORY_DAYS,
    PHONE,
    StaffingTargets,
)
from csapi.reports.staffing.what_if import Measured, inputs_of, model_of, read_channel
from csapi.reports.staffing.what_if_schemas import WhatIfChannel, WhatIfGiven
from csapi.reports.work_params import filter_of

# Days whose sums are looked at: events come once a year.
KNOWN_DAYS = 730
# When anybody works is seen on so many.
PRESENCE_DAYS = 28
EARLIEST_YEAR = 1992
NO_HANDLE = "handle time is not known: nothing can be said of who is required"
UNMEASURED = (
    "an event of the days ahead was seen on fewer than two days before: it is taken to change "
    "nothing"
)
SILENT = "nothing was recorded after {day}: days without contacts pull the level down"
CHAINED = "beyond {horizon} days the band is that of {horizon} days: it is wider in truth"


def channel_of(wanted: StaffingParams) -> WhatIfChannel:
    """What the parameters say, as a channel of POST /v1/staffing/what-if."""
    return WhatIfChannel(
        channel=wanted.channel,
        model=wanted.model,
        filters=filter_of({"queue": wanted.queue, "inbox": wanted.inbox}),
        team=wanted.team,
        targets=StaffingTargets(
            service_level=wanted.service_level,
            within_seconds=wanted.within_seconds,
            max_occupancy=wanted.max_occupancy,
        ),
        given=WhatIfGiven(handle_seconds=wanted.handle_seconds, concurrency=wanted.concurrency),
    )


async def forecast(desk: Desk, wanted: ForecastParams) -> Forecast:
    """From one snapshot. Raises Problem for what cannot be asked."""
    zone = known_zone(wanted.timezone or desk.timezone)
    today = local_date(zone, desk.now)
    first = wanted.from_ or today
    if first.year < EARLIEST_YEAR or first > today:
        refuse("/from", "out_of_range", f"From {EARLIEST_YEAR} until today.")
    channel = channel_of(wanted)
    filters = work_filter(channel.channel, channel.filters)
    async with snapshot_of(desk) as snapshot:
        asker = Asker(snapshot, days_before(zone, first, LONGEST_HISTORY_DAYS))
        with slowness_told():
            there = days_before(zone, first, PRESENCE_DAYS)
            measured = await read_channel(asker, channel, wanted.interval, there)
            totals = await read_totals(
                asker, channel, filters, days_before(zone, first, KNOWN_DAYS)
            )
            start, end = first - timedelta(days=KNOWN_DAYS), first + timedelta(days=wanted.days)
            calendar = await read_calendar(snapshot, filters, zone, start, end)
        days = days_of(zone, first, totals, measured, calendar)
        meta = asker.meta()
        question = Question(wanted, channel, zone, first, days, calendar, measured, meta)
        # Within the tenant's turn: long work of one must not keep others waiting.
        return await aside(answered, question)


def days_before(timezone: str, first: date, count: int) -> Period:
    return Period(day_start(timezone, first, -count), day_start(timezone, first), timezone)


async def read_totals(
    asker: Asker, channel: WhatIfChannel, filters: FilterNode, period: Period
) -> dict[date, float]:
    """Contacts of whole days."""
    metric = CALLS if channel.channel == PHONE else CONTACTS
    found = await asker.ask([metric], filters, ["time:day"], Shape.series, period)
    values = [value for series in found.series or () for value in series.values]
    totals = {}
    for each, value in zip(found.categories or (), values, strict=True):
        if value is None:
            refuse("/interval", "not_supported", HIDDEN)
        totals[date.fromisoformat(each.key or "")] = value
    return totals


def days_of(
    timezone: str,
    first: date,
    totals: dict[date, float],
    measured: Measured,
    calendar: Calendar,
) -> list[Day]:
    """Whole days from the first with any contact on; the latest with their intervals."""
    counts: dict[date, list[float]] = {}
    work, slots = measured.work, measured.interval.slots
    for bucket, count in zip(work.buckets, work.arrivals, strict=True):
        day = local_date(timezone, bucket.start)
        counts.setdefault(day, [0.0] * slots)[bucket.slot] += count
    begun = next((day for day in sorted(totals) if totals[day]), first)
    since = first - timedelta(days=LONGEST_HISTORY_DAYS)
    return [
        Day(
            day,
            total,
            counts.get(day, [0.0] * slots) if day >= since else None,
            calendar.planned(day),
            calendar.troubles(day),
        )
        for day, total in sorted(totals.items())
        if begun <= day < first
    ]


def answered(question: Question) -> Forecast:
    """The method that was better on past days, and what it says of the days ahead."""
    wanted, days, slots = question.wanted, question.days, question.interval.slots
    model = model_of(question.channel)
    found = Forecast(
        channel=wanted.channel,
        model=model,
        interval=wanted.interval,
        targets=filled_targets(question.channel.targets, model),
        inputs=inputs_of(question.channel, question.measured, question.channel.given),
        method=None,
        reason=ForecastReason.no_contacts,
        level=None,
        history_days=len(days),
        backtest=None,
        events=[],
        data=[],
        warnings=[],
        meta=question.meta,
    )
    if len(days) < WEEK or days[-1].counts is None:
        if days:
            found.reason = ForecastReason.too_little_history
        return found
    tested = backtest(days, wanted.days, slots)
    baseline = fitted(days, slots)
    choose(found, tested)
    found.level, found.events = baseline.level, events_of(question, baseline)
    is_model = found.method is ForecastMethod.level_and_profile
    band = None if tested is None else (tested.model if is_model else tested.naive).band
    ahead = [question.first + timedelta(days=number) for number in range(wanted.days)]
    expected = [
        baseline.expected(day, question.calendar.planned(day))
        if is_model
        else naive(days, day, slots)
        for day in ahead
    ]
    found.data = staffed(question, found, [*zip(ahead, expected, strict=True)], band)
    found.warnings = [*warnings_of(question, found, tested)]
    return found


def choose(found: Forecast, tested: Backtest | None) -> None:
    found.method = ForecastMethod.seasonal_naive
    if tested is None:
        found.reason = ForecastReason.too_little_history
        return
    found.reason = ForecastReason.not_better_in_backtest
    if tested.is_model_better:
        found.method = ForecastMethod.level_and_profile
        found.reason = ForecastReason.better_in_backtest
    found.backtest = ForecastBacktest(
        origins=list(tested.origins),
        horizon_days=tested.horizon,
        level_and_profile=errors_of(tested.model),
        seasonal_naive=errors_of(tested.naive),
    )


def errors_of(tested: Tested) -> ForecastErrors:
    errors: Errors = tested.errors
    narrow, wide = LEVELS
    return ForecastErrors(
        wape=errors.wape,
        wape_of_days=errors.of_days,
        mase=errors.mase,
        coverage80=errors.coverage.get(narrow),
        coverage95=errors.coverage.get(wide),
        covered_n=errors.covered_n,
    )


def events_of(question: Question, baseline: Baseline) -> list[ForecastEvent]:
    """Those of the history that is known and of the days ahead."""
    calendar, found = question.calendar, []
    since = question.days[0].day
    for name, event in sorted(calendar.events.items()):
        days = sorted(day for day, names in calendar.days.items() if name in names)
        ahead = [day for day in days if day >= question.first]
        factor = baseline.events.get(name)
        seen = sum(since <= day < question.first for day in days)
        if ahead or seen:
            found.append(
                ForecastEvent(
                    kind=event.kind,
                    text=event.text,
                    factor=factor.value if factor is not None and event.is_planned else None,
                    days_seen=seen,
                    days=ahead,
                )
            )
    return found


def warnings_of(question: Question, found: Forecast, tested: Backtest | None) -> list[str]:
    warnings = []
    through = question.meta.data_through
    last = None if through is None else local_date(question.timezone, through)
    if last is not None and last < question.first - timedelta(days=1):
        warnings.append(SILENT.format(day=last))
    if found.inputs.handle_seconds.value is None:
        warnings.append(NO_HANDLE)
    if found.method is ForecastMethod.level_and_profile and any(
        each.days and each.factor is None and each.kind.value != "bug" for each in found.events
    ):
        warnings.append(UNMEASURED)
    if tested is not None and question.wanted.days > tested.horizon:
        warnings.append(CHAINED.format(horizon=tested.horizon))
    return warnings
