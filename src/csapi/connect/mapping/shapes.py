"""The fields of the API's items, so that a typo in a mapping is found before anything is sent.

`legs[]` stands for any member of a list; below an open field every name is allowed. A test holds
this list against the API's own.
"""

from typing import NamedTuple

OPEN_FIELDS = ("custom",)


class Shape(NamedTuple):
    required: tuple[str, ...]
    fields: frozenset[str]


# Objects that are no lists.
SINGLE = ("milestones", "holidays")


def _shape(required: str, optional: str, **nested: str) -> Shape:
    """`__` in the name of a part: it lies inside another part."""
    fields = {*required.split(), *optional.split()}
    for name, members in nested.items():
        *outer, own = name.split("__")
        place = ".".join([*(f"{part}[]" for part in outer), own])
        parent = place if own in SINGLE else f"{place}[]"
        fields |= {place, parent, *(f"{parent}.{member}" for member in members.split())}
    return Shape(tuple(required.split()), frozenset(fields))


SHAPES = {
    "agents": _shape(
        "source external_id",
        "source_updated_at name email kind active team custom deleted",
        memberships="team from to",
    ),
    "teams": _shape("source external_id", "source_updated_at name custom deleted"),
    "schedules": _shape(
        "source external_id timezone versions",
        "source_updated_at name teams teams[] inboxes inboxes[] is_default custom deleted",
        versions="valid_from valid_to",
        versions__weekly="day from to",
        versions__holidays="country subdivision",
        versions__extra_dates="date from to",
    ),
    "customers": _shape(
        "source external_id",
        "source_updated_at name email phone company type registered created_at segment tags tags[]"
        " locale country custom deleted",
        segments="segment from to",
        statuses="status from to",
    ),
    "customers/merge": _shape(
        "source from into",
        "source_updated_at into_source custom deleted",
    ),
    "calls": _shape(
        "source external_id queue_entered_at",
        "source_updated_at started_at direction outcome answered_at abandoned_at ended_at"
        " wait_seconds agent team queue customer ticket topic type priority resolved tags tags[]"
        " sentiment_label sentiment_score custom deleted",
        legs="agent started_at ended_at ring_seconds talk_seconds hold_seconds"
        " after_call_work_seconds transferred_to",
    ),
    "tickets": _shape(
        "source external_id created_at",
        "source_updated_at channel inbox type topic priority status customer initiated_by assignee"
        " team subject tags tags[] is_test is_spam merged_into custom deleted",
        milestones="first_reply_at first_reply_by first_assigned_at first_solved_at last_solved_at"
        " solved_by reopen_count messages_in messages_out",
    ),
    "ticket-events": _shape(
        "source event_id ticket type occurred_at",
        "sequence actor actor_type direction is_public is_auto_reply in_reply_to channel body"
        " from to agent team tag sentiment_label sentiment_score",
    ),
    "feedback-requests": _shape(
        "source external_id sent_at",
        "source_updated_at survey channel ticket call agent team customer created_at delivered_at"
        " custom deleted",
    ),
    "feedback": _shape(
        "source external_id survey rating responded_at",
        "source_updated_at scale_min scale_max positive_values positive_values[] request ticket"
        " call agent team customer site comment language reasons reasons[] sentiment_label"
        " sentiment_score custom deleted",
    ),
    "quality-reviews": _shape(
        "source external_id reviewed_at agent criteria",
        "source_updated_at team reviewer ticket call channel form form_version comment custom"
        " deleted",
        criteria="criterion weight score is_auto_fail has_failed",
    ),
    "tasks": _shape(
        "source external_id",
        "source_updated_at title kind assignee team ticket assigned_at started_at completed_at"
        " due_at custom deleted",
        assignments="agent at",
    ),
    "presence": _shape(
        "source external_id agent state started_at",
        "source_updated_at ended_at channel custom deleted",
    ),
    "shifts": _shape(
        "source external_id agent started_at ended_at",
        "source_updated_at is_paid activity custom deleted",
    ),
    "work-sessions": _shape(
        "source external_id agent started_at",
        "source_updated_at ended_at ticket channel custom deleted",
    ),
    "forms": _shape(
        "source external_id submitted_at",
        "source_updated_at form customer ticket channel custom deleted",
    ),
    "kb-articles": _shape(
        "source external_id",
        "source_updated_at topic language title published custom deleted",
    ),
    "kb-events": _shape(
        "source external_id type occurred_at",
        "source_updated_at session article term results_count is_helpful customer language custom"
        " deleted",
    ),
    "sessions": _shape(
        "source external_id kind started_at",
        "source_updated_at ended_at outcome customer ticket topic channel custom deleted",
    ),
    **dict.fromkeys(
        ("inboxes", "queues", "channels", "ticket-types"),
        _shape("source external_id", "source_updated_at label custom deleted"),
    ),
    "topics": _shape(
        "source external_id",
        "source_updated_at label parent department owner custom deleted",
    ),
    "annotations": _shape(
        "source external_id starts_at text",
        "source_updated_at ends_at kind custom deleted",
        scope="dimension values values[]",
    ),
    "cost-book": _shape(
        "source external_id currency valid_from",
        "source_updated_at valid_to hourly_rate agent team fixed_cost_per_month name custom"
        " deleted",
    ),
    "sla-policies": _shape(
        "source external_id valid_from targets",
        "source_updated_at valid_to name position channels channels[] inboxes inboxes[] types"
        " types[] priorities priorities[] teams teams[] custom deleted",
        targets="metric seconds priority hours",
    ),
}
RESOURCES = tuple(SHAPES)


def key_field(resource: str) -> str:
    """What tells records of one source apart."""
    return {"ticket-events": "event_id", "customers/merge": "from"}.get(resource, "external_id")
