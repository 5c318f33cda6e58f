"""How much may be asked for at once."""

from csapi.access.keys import MOST_KEYS
from csapi.access.outbox import LOG_DAYS, MOST_DELIVERY_ATTEMPTS, MOST_REPLAYED, MOST_WEBHOOKS
from csapi.access.people.members import MOST_INVITATIONS
from csapi.access.people.schemas import LONGEST_INVITATION_HOURS
from csapi.access.principals import Principal, Scope
from csapi.access.providers.schemas import MOST_DOMAINS, MOST_REDIRECTS
from csapi.access.providers.store import MOST_PROVIDERS
from csapi.facts.retention_tables import KEPT_DAYS_UPTO, LEAST_KEPT
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
from csapi.reports.administration.key_schemas import (
    LONGEST_OVERLAP_SECONDS,
    MOST_LEAKED_TOKENS,
    MOST_NETWORKS,
)
from csapi.reports.administration.usage import LONGEST_USAGE_DAYS
from csapi.reports.alerts.schemas import (
    MOST_ALERTS,
    MOST_EVENTS_KEPT,
    MOST_WINDOW_BUCKETS,
    MOST_WINDOW_DAYS,
)
from csapi.reports.batch import MOST_QUERIES
from csapi.reports.comparing import MOST_COMPARED
from csapi.reports.custom_metrics import MOST_CUSTOM
from csapi.reports.definitions import LONGEST_FORMULA
from csapi.reports.drivers.referrals import MOST_REFERRALS
from csapi.reports.endpoints import QUERY_TAG
from csapi.reports.evaluations.own_words import LONGEST_TEXT, MOST_SCORES, MOST_SELF_EVALUATIONS
from csapi.reports.exports.schemas import (
    EXPIRES_HOURS,
    MOST_ARCHIVE_BYTES,
    MOST_ARCHIVES,
    MOST_BYTES,
    MOST_KEPT,
    MOST_WAITING,
)
from csapi.reports.goals.schemas import (
    LARGEST_VALUE,
    LONGEST_GOAL_DAYS,
    LONGEST_WINDOW_DAYS,
    MOST_GOALS,
    MOST_GOALS_AT_ONCE,
    MOST_MILESTONES,
    MOST_PROGRESS_POINTS,
)
from csapi.reports.limits_schemas import (
    ActionPlanLimits,
    AlertLimits,
    BudgetLimit,
    CustomMetricLimits,
    ExportLimits,
    GoalLimits,
    KeyLimits,
    LimitList,
    PaperLimits,
    PeopleLimits,
    PortalLimits,
    QueryLimits,
    RadarLimits,
    RecordsLimits,
    ReportLimits,
    RetentionLimits,
    SelfEvaluationLimits,
    StaffingLimits,
    StreamLimits,
    UpliftLimits,
    WebhookLimits,
)
from csapi.reports.live.board import LONGEST_STREAM_SECONDS
from csapi.reports.live.hub import (
    MOST_BOARDS,
    MOST_KEY_STREAMS,
    MOST_STREAMS,
    MOST_TENANT_STREAMS,
)
from csapi.reports.live.stream import LONGEST_TICKET_SECONDS
from csapi.reports.ordering import LARGEST_TOP, MOST_ORDERS, MOST_TESTS
from csapi.reports.papers.answer_blocks import MOST_ROWS
from csapi.reports.papers.schemas import MOST_SENTENCES
from csapi.reports.papers.workbook import MOST_CELLS
from csapi.reports.plans.schemas import (
    LONGEST_SUGGESTION,
    LONGEST_TITLE,
    LONGEST_WORDS,
    MOST_PLANS,
    MOST_STEPS,
    MOST_SUGGESTIONS,
)
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
from csapi.reports.staffing.schemas import LONGEST_HISTORY_DAYS, MOST_CHANNELS, MOST_CONCURRENCY
from csapi.reports.surroundings import MOST_ANNOTATIONS
from csapi.reports.trust.scan import LONGEST_QUALITY_DAYS
from csapi.reports.uplift.schemas import MOST_WEEKS_AFTER, MOST_WEEKS_BEFORE
from csapi.reports.weights import LARGEST_WEIGHT

# Those that are the same whatever server it is.
CUSTOM_METRIC = CustomMetricLimits(
    numbers_and_names=MOST_LEAVES, depth=DEEPEST_FORMULA, characters=LONGEST_FORMULA
)
RECORDS = RecordsLimits(rows_per_page=LARGEST_RECORDS_PAGE, other_than=MOST_OTHERS)
PORTAL = PortalLimits(token_seconds=LONGEST_SECONDS, origins=MOST_ORIGINS)
EXPORTS = ExportLimits(
    waiting=MOST_WAITING,
    kept=MOST_KEPT,
    bytes=MOST_BYTES,
    archives=MOST_ARCHIVES,
    archive_bytes=MOST_ARCHIVE_BYTES,
    expires_hours=EXPIRES_HOURS,
)
REPORTS = ReportLimits(
    reports=MOST_REPORTS,
    sections=MOST_SECTIONS,
    splits_per_section=MOST_SPLITS,
    splits_per_run=MOST_EXPLAINED,
    runs_kept=MOST_RUNS,
    bytes_per_run=MOST_RUN_BYTES,
)
PAPERS = PaperLimits(rows_per_table=MOST_ROWS, cells=MOST_CELLS, sentences_per_part=MOST_SENTENCES)
STREAMS = StreamLimits(
    streams=MOST_STREAMS,
    streams_per_tenant=MOST_TENANT_STREAMS,
    streams_per_key=MOST_KEY_STREAMS,
    questions_per_tenant=MOST_BOARDS,
    stream_seconds=LONGEST_STREAM_SECONDS,
    ticket_seconds=LONGEST_TICKET_SECONDS,
)
RADAR = RadarLimits(
    window_days=LONGEST_WINDOW,
    topics=MOST_TOPICS,
    ended_topics=MOST_ENDED,
    terms=MOST_TERMS,
    texts=MOST_TEXTS,
    titles=MOST_TITLES,
)
GOALS = GoalLimits(
    goals=MOST_GOALS,
    goals_per_page=MOST_GOALS_AT_ONCE,
    days=LONGEST_GOAL_DAYS,
    window_days=LONGEST_WINDOW_DAYS,
    milestones=MOST_MILESTONES,
    progress_points=MOST_PROGRESS_POINTS,
    value=LARGEST_VALUE,
)
ALERTS = AlertLimits(
    alerts=MOST_ALERTS,
    window_buckets=MOST_WINDOW_BUCKETS,
    window_days=MOST_WINDOW_DAYS,
    events_kept=MOST_EVENTS_KEPT,
)
UPLIFT = UpliftLimits(weeks_before=MOST_WEEKS_BEFORE, weeks_after=MOST_WEEKS_AFTER)
SELF_EVALUATIONS = SelfEvaluationLimits(
    per_agent=MOST_SELF_EVALUATIONS, characters=LONGEST_TEXT, scores=MOST_SCORES
)
ACTION_PLANS = ActionPlanLimits(
    plans=MOST_PLANS,
    steps=MOST_STEPS,
    title_characters=LONGEST_TITLE,
    characters=LONGEST_WORDS,
    suggestions_per_agent=MOST_SUGGESTIONS,
    suggestion_characters=LONGEST_SUGGESTION,
)
STAFFING = StaffingLimits(
    channels=MOST_CHANNELS,
    history_days=LONGEST_HISTORY_DAYS,
    forecast_days=LONGEST_FORECAST_DAYS,
    concurrency=MOST_CONCURRENCY,
    erlangs=LARGEST_LOAD,
    agents=MOST_AGENTS,
)
WEBHOOKS = WebhookLimits(
    endpoints=MOST_WEBHOOKS,
    attempts=MOST_DELIVERY_ATTEMPTS,
    replayed=MOST_REPLAYED,
    log_days=LOG_DAYS,
)
KEYS = KeyLimits(
    keys=MOST_KEYS,
    networks=MOST_NETWORKS,
    overlap_seconds=LONGEST_OVERLAP_SECONDS,
    leaked_tokens=MOST_LEAKED_TOKENS,
)
PEOPLE = PeopleLimits(
    identity_providers=MOST_PROVIDERS,
    redirect_uris=MOST_REDIRECTS,
    email_domains=MOST_DOMAINS,
    invitations=MOST_INVITATIONS,
    invitation_hours=LONGEST_INVITATION_HOURS,
)
RETENTION = RetentionLimits(least_days=LEAST_KEPT.days, most_days=KEPT_DAYS_UPTO)


def query_limits(timeout_ms: int) -> QueryLimits:
    return QueryLimits(
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
    )


async def get_limits(request: AnyRequest, principal: Principal) -> Response:
    state = request.app.state
    settings = state.settings
    found = LimitList(
        budgets=[
            BudgetLimit(policy=each.name, units=each.quota, seconds=each.window_seconds)
            for each in state.limiter.policies_of(principal)
        ],
        query=query_limits(settings.statement_timeout_ms),
        queries_at_once=query_lanes(settings),
        queries_per_batch=MOST_QUERIES,
        saved_queries=MOST_SAVED,
        custom_metrics=MOST_CUSTOM,
        custom_metric=CUSTOM_METRIC,
        metric_settings=MOST_SETTINGS,
        records=RECORDS,
        portal=PORTAL,
        exports=EXPORTS,
        reports=REPORTS,
        papers=PAPERS,
        streams=STREAMS,
        radar=RADAR,
        referrals=MOST_REFERRALS,
        goals=GOALS,
        alerts=ALERTS,
        uplift=UPLIFT,
        self_evaluations=SELF_EVALUATIONS,
        action_plans=ACTION_PLANS,
        staffing=STAFFING,
        weight=LARGEST_WEIGHT,
        webhooks=WEBHOOKS,
        keys=KEYS,
        usage_days=LONGEST_USAGE_DAYS,
        data_quality_days=LONGEST_QUALITY_DAYS,
        people=PEOPLE,
        retention=RETENTION,
    )
    return json_response(found)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/limits",
        operation_id="getLimits",
        summary="How much may be asked for at once",
        description="The budgets of this key and its tenant, and how large and how many things may "
        "be, as this server is set up. `queries_at_once` is of one tenant in each process of the "
        "server; what `streams` says is of each process, too.",
        tag=QUERY_TAG,
        handler=get_limits,
        scope=Scope.REPORTS_READ,
        portal=True,
        responses={200: LimitList},
    ),
]
