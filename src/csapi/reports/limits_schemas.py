"""Limits on the wire."""

import msgspec


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
    """Of exports of one tenant. Rows have no limit of their own: `bytes` is that of a file, and
    `archive_bytes` of a ZIP with all data, of which `archives` are kept."""

    waiting: int
    kept: int
    bytes: int
    archives: int
    archive_bytes: int
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


class GoalLimits(msgspec.Struct, kw_only=True):
    """Of goals: how many a tenant has, and a page; days from start to due date, and of a window;
    milestones; points of their progress; the largest value that a goal or a bound may name."""

    goals: int
    goals_per_page: int
    days: int
    window_days: int
    milestones: int
    progress_points: int
    value: float


class AlertLimits(msgspec.Struct, kw_only=True):
    """Of alerts: how many a tenant has, the buckets of a window, which are at most `window_days` of
    days, and the events that are kept of each."""

    alerts: int
    window_buckets: int
    window_days: int
    events_kept: int


class UpliftLimits(msgspec.Struct, kw_only=True):
    """Of measured uplift: whole weeks before and after."""

    weeks_before: int
    weeks_after: int


class ActionPlanLimits(msgspec.Struct, kw_only=True):
    """Of plans, their steps and their texts, and of what agents suggest."""

    plans: int
    steps: int
    title_characters: int
    characters: int
    suggestions_per_agent: int
    suggestion_characters: int


class StaffingLimits(msgspec.Struct, kw_only=True):
    """Of staffing: channels of one what-if, days of history and of a forecast, contacts at a time
    for each agent; and of an interval the erlangs and agents that are worked out."""

    channels: int
    history_days: int
    forecast_days: int
    concurrency: int
    erlangs: int
    agents: int


class PaperLimits(msgspec.Struct, kw_only=True):
    """Of papers: rows of each table in a PDF, which says that there are more; cells of a
    spreadsheet, which is refused beyond that; sentences in each part of a summary."""

    rows_per_table: int
    cells: int
    sentences_per_part: int


class WebhookLimits(msgspec.Struct, kw_only=True):
    """Of webhooks: endpoints of a tenant, attempts at a delivery, deliveries that one replay makes,
    and days for which the log is kept."""

    endpoints: int
    attempts: int
    replayed: int
    log_days: int


class KeyLimits(msgspec.Struct, kw_only=True):
    """Of keys: those of a tenant that work, networks of one, seconds for which a replaced one goes
    on, and tokens in one report of leaked ones."""

    keys: int
    networks: int
    overlap_seconds: int
    leaked_tokens: int


class PeopleLimits(msgspec.Struct, kw_only=True):
    """Of people: identity providers of a tenant, with pages to come back to and e-mail domains of
    each; open invitations, and hours for which one is good."""

    identity_providers: int
    redirect_uris: int
    email_domains: int
    invitations: int
    invitation_hours: int


class RetentionLimits(msgspec.Struct, kw_only=True):
    """Of retention: for how many days records are kept at least and at most, where a tenant does
    not keep them for ever."""

    least_days: int
    most_days: int


class BudgetLimit(msgspec.Struct, kw_only=True):
    """What requests are charged to: `units` in `seconds`, of this key or of all of the tenant."""

    policy: str
    units: int
    seconds: int


class LimitList(msgspec.Struct, kw_only=True):
    """What a request over a limit is told: the place, the limit, and what to change. `budgets`: the
    header RateLimit of every answer says what is left; none where there is no limit."""

    budgets: list[BudgetLimit]
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
    goals: GoalLimits
    alerts: AlertLimits
    uplift: UpliftLimits
    self_evaluations: SelfEvaluationLimits
    action_plans: ActionPlanLimits
    staffing: StaffingLimits
    papers: PaperLimits
    webhooks: WebhookLimits
    keys: KeyLimits
    people: PeopleLimits
    retention: RetentionLimits
    usage_days: int
    data_quality_days: int
    weight: float
