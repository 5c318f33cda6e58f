"""How much may be asked for at once."""

import msgspec

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation
from csapi.kit.settings import query_lanes
from csapi.metrics.arithmetic import DEEPEST as DEEPEST_FORMULA
from csapi.metrics.arithmetic import MOST_LEAVES
from csapi.metrics.compile import MOST_GROUPS
from csapi.metrics.erlang import LARGEST_LOAD, MOST_AGENTS
from csapi.metrics.percentiles import EXACT_MAX
from csapi.metrics.periods import LONGEST_DAYS, MOST_BUCKETS
from csapi.metrics.survival import MOST_WAITS
from csapi.reports.batch import MOST_QUERIES
from csapi.reports.comparing import MOST_COMPARED
from csapi.reports.custom_metrics import MOST_CUSTOM
from csapi.reports.definitions import LONGEST_FORMULA
from csapi.reports.drivers.referrals import MOST_REFERRALS
from csapi.reports.endpoints import QUERY_TAG
from csapi.reports.evaluations.own_words import LONGEST_TEXT, MOST_SCORES, MOST_SELF_EVALUATIONS
from csapi.reports.exports.schemas import EXPIRES_HOURS, MOST_BYTES, MOST_KEPT, MOST_WAITING
from csapi.reports.live.board import LONGEST_STREAM_SECONDS
from csapi.reports.live.hub import (
    MOST_BOARDS,
    MOST_KEY_STREAMS,
    MOST_STREAMS,
    MOST_TENANT_STREAMS,
)
from csapi.reports.live.stream import LONGEST_TICKET_SECONDS
from csapi.reports.ordering import LARGEST_TOP, MOST_ORDERS, MOST_TESTS
from csapi.reports.portal import LONGEST_SECONDS, MOST_ORIGINS
from csapi.reports.radar.emerging import MOST_TERMS
from csapi.reports.radar.knowledge import MOST_TITLES
from csapi.reports.radar.params import LONGEST_WINDOW
from csapi.reports.radar.reading import MOST_ENDED, MOST_TOPICS
from csapi.reports.radar.texts import MOST_TEXTS
from csapi.reports.records_schemas import LARGEST_PAGE as LARGEST_RECORDS_PAGE
from csapi.reports.records_schemas import MOST_OTHERS
from csapi.reports.resolve import DEEPEST, MOST_CONDITIONS
from csapi.reports.runs.schemas import (
    MOST_EXPLAINED,
    MOST_REPORTS,
    MOST_RUN_BYTES,
    MOST_RUNS,
    MOST_SECTIONS,
    MOST_SPLITS,
)
from csapi.reports.saved import MOST_SAVED
from csapi.reports.schemas import LARGEST_PAGE, MOST_DIMENSIONS, MOST_METRICS, MOST_VALUES
from csapi.reports.settings import MOST_SETTINGS
from csapi.reports.staffing.forecast_schemas import LONGEST_FORECAST_DAYS
from csapi.reports.staffing.schemas import (
    LONGEST_HISTORY_DAYS,
    MOST_CHANNELS,
    MOST_CONCURRENCY,
)
from csapi.reports.surroundings import MOST_ANNOTATIONS
from csapi.reports.weights import LARGEST_WEIGHT


class QueryLimits(msgspec.Struct, kw_only=True):
    """Of one query. `rows`: of rows, or values of series and matrices; `waits_per_row`, of what is
    estimated from waits; `statement_seconds`: the longest statement; null is no limit."""

    metrics: int
    dimensions: int
    filter_depth: int
    filter_tests: int
    filter_values: int
    having_tests: int
    order_by: int
    top: int
    range_days: int
    time_buckets: int
    rows_per_page: int
    rows: int
    compared_values: int
    waits_per_row: int
    annotations: int
    exact_percentile_durations: int
    statement_seconds: float | None


class RecordsLimits(msgspec.Struct, kw_only=True):
    """Of the records behind a cell."""

    rows_per_page: int
    other_than: int


class CustomMetricLimits(msgspec.Struct, kw_only=True):
    """Of one formula: its numbers and names, how deep it nests, and its characters."""

    numbers_and_names: int
    depth: int
    characters: int


class PortalLimits(msgspec.Struct, kw_only=True):
    """Of use from browsers."""

    token_seconds: int
    origins: int


class ExportLimits(msgspec.Struct, kw_only=True):
    """Of exports of one tenant. Rows have no limit of their own: `bytes` is that of a file."""

    waiting: int
    kept: int
    bytes: int
    expires_hours: int


class StreamLimits(msgspec.Struct, kw_only=True):
    """Of streams in each process of the server: in all, of a tenant, of a key with its tokens and
    tickets, and how many different questions a tenant may follow; how long one lasts, and a ticket
    waits to be used."""

    streams: int
    streams_per_tenant: int
    streams_per_key: int
    questions_per_tenant: int
    stream_seconds: int
    ticket_seconds: int


class ReportLimits(msgspec.Struct, kw_only=True):
    """Of comparison reports: how many a tenant has, what each holds, and what is kept of a run."""

    reports: int
    sections: int
    splits_per_section: int
    splits_per_run: int
    runs_kept: int
    bytes_per_run: int


class SelfEvaluationLimits(msgspec.Struct, kw_only=True):
    """Of what agents write about their own work: how many each, their characters, their scores."""

    per_agent: int
    characters: int
    scores: int


class RadarLimits(msgspec.Struct, kw_only=True):
    """Of the radar: days of the window; topics and terms that are looked at day by day, the most
    surprising first, and topics that may have got another name; subjects and comments that are
    read, of more an even part; titles of articles."""

    window_days: int
    topics: int
    ended_topics: int
    terms: int
    texts: int
    titles: int


class StaffingLimits(msgspec.Struct, kw_only=True):
    """Of staffing: channels of one what-if, days of history and of a forecast, contacts at a time
    for each agent; and of an interval the erlangs and agents that are worked out."""

    channels: int
    history_days: int
    forecast_days: int
    concurrency: int
    erlangs: int
    agents: int


class LimitList(msgspec.Struct, kw_only=True):
    """What a request over a limit is told: the place, the limit, and what to change."""

    query: QueryLimits
    queries_per_batch: int
    queries_at_once: int
    saved_queries: int
    custom_metrics: int
    custom_metric: CustomMetricLimits
    metric_settings: int
    records: RecordsLimits
    portal: PortalLimits
    exports: ExportLimits
    reports: ReportLimits
    streams: StreamLimits
    radar: RadarLimits
    referrals: int
    self_evaluations: SelfEvaluationLimits
    staffing: StaffingLimits
    weight: float


async def get_limits(request: AnyRequest, principal: Principal) -> Response:
    del principal
    settings = request.app.state.settings
    timeout_ms = settings.statement_timeout_ms
    return json_response(
        LimitList(
            query=QueryLimits(
                metrics=MOST_METRICS,
                dimensions=MOST_DIMENSIONS,
                filter_depth=DEEPEST,
                filter_tests=MOST_CONDITIONS,
                filter_values=MOST_VALUES,
                having_tests=MOST_TESTS,
                order_by=MOST_ORDERS,
                top=LARGEST_TOP,
                range_days=LONGEST_DAYS,
                time_buckets=MOST_BUCKETS,
                rows_per_page=LARGEST_PAGE,
                rows=MOST_GROUPS,
                compared_values=MOST_COMPARED,
                waits_per_row=MOST_WAITS,
                annotations=MOST_ANNOTATIONS,
                exact_percentile_durations=EXACT_MAX,
                statement_seconds=timeout_ms / 1000 if timeout_ms else None,
            ),
            queries_per_batch=MOST_QUERIES,
            queries_at_once=query_lanes(settings),
            saved_queries=MOST_SAVED,
            custom_metrics=MOST_CUSTOM,
            custom_metric=CustomMetricLimits(
                numbers_and_names=MOST_LEAVES, depth=DEEPEST_FORMULA, characters=LONGEST_FORMULA
            ),
            metric_settings=MOST_SETTINGS,
            records=RecordsLimits(rows_per_page=LARGEST_RECORDS_PAGE, other_than=MOST_OTHERS),
            portal=PortalLimits(token_seconds=LONGEST_SECONDS, origins=MOST_ORIGINS),
            exports=ExportLimits(
                waiting=MOST_WAITING, kept=MOST_KEPT, bytes=MOST_BYTES, expires_hours=EXPIRES_HOURS
            ),
            reports=ReportLimits(
                reports=MOST_REPORTS,
                sections=MOST_SECTIONS,
                splits_per_section=MOST_SPLITS,
                splits_per_run=MOST_EXPLAINED,
                runs_kept=MOST_RUNS,
                bytes_per_run=MOST_RUN_BYTES,
            ),
            streams=StreamLimits(
                streams=MOST_STREAMS,
                streams_per_tenant=MOST_TENANT_STREAMS,
                streams_per_key=MOST_KEY_STREAMS,
                questions_per_tenant=MOST_BOARDS,
                stream_seconds=LONGEST_STREAM_SECONDS,
                ticket_seconds=LONGEST_TICKET_SECONDS,
            ),
            radar=RadarLimits(
                window_days=LONGEST_WINDOW,
                topics=MOST_TOPICS,
                ended_topics=MOST_ENDED,
                terms=MOST_TERMS,
                texts=MOST_TEXTS,
                titles=MOST_TITLES,
            ),
            referrals=MOST_REFERRALS,
            self_evaluations=SelfEvaluationLimits(
                per_agent=MOST_SELF_EVALUATIONS, characters=LONGEST_TEXT, scores=MOST_SCORES
            ),
            staffing=StaffingLimits(
                channels=MOST_CHANNELS,
                history_days=LONGEST_HISTORY_DAYS,
                forecast_days=LONGEST_FORECAST_DAYS,
                concurrency=MOST_CONCURRENCY,
                erlangs=LARGEST_LOAD,
                agents=MOST_AGENTS,
            ),
            weight=LARGEST_WEIGHT,
        )
    )


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/limits",
        operation_id="getLimits",
        summary="How much may be asked for at once",
        description="The limits of a query, of queries at once, of exports and of streams, as this "
        "server is set up. `queries_at_once` is of one tenant in each process of the server; what "
        "`streams` says is of each process, too.",
        tag=QUERY_TAG,
        handler=get_limits,
        scope=Scope.REPORTS_READ,
        portal=True,
        responses={200: LimitList},
    ),
]
