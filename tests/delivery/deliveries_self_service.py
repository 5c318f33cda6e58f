"""Anything that a source may send about a few forms, visits and articles."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from tests.delivery.lab import Item
from tests.delivery.strategies import (
    articles,
    custom,
    customers,
    few_instants,
    instants,
    labels,
    maybe,
    record,
    sessions,
    tickets,
)

form_items = record(
    st.sampled_from(["w1", "w2"]),
    submitted_at=instants,
    form=maybe(labels),
    channel=maybe(labels),
    customer=maybe(customers),
    ticket=maybe(tickets),
    custom=custom,
)
article_items = record(articles, topic=maybe(labels))


def ended_after(item: Item, minutes: float | None) -> Item:
    if minutes is None:
        return item
    ended_at = datetime.fromisoformat(item["started_at"]) + timedelta(minutes=minutes)
    return {**item, "ended_at": ended_at.isoformat()}


session_items = st.builds(
    ended_after,
    record(
        sessions,
        kind=st.sampled_from(["self_service", "bot", "ivr"]),
        started_at=instants,
        outcome=st.sampled_from(["resolved", "handed_off", "abandoned", "unknown"]),
        channel=maybe(labels),
        topic=maybe(labels),
        customer=maybe(customers),
        ticket=maybe(tickets),
        custom=custom,
    ),
    maybe(st.sampled_from([0, 0.0001, 30, 120])),
)
acts = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("search"), "results_count": st.integers(0, 2), "term": maybe(labels)}
    ),
    st.just({"type": "click"}),
    st.just({"type": "view"}),
    st.fixed_dictionaries({"type": st.just("vote"), "is_helpful": st.booleans()}),
)
visit_items = st.builds(
    lambda item, act: {**item, **{key: value for key, value in act.items() if value is not None}},
    record(
        st.sampled_from(["v1", "v2", "v3", "v4"]),
        occurred_at=few_instants,
        session=maybe(sessions),
        article=maybe(articles),
        customer=maybe(customers),
        custom=custom,
    ),
    acts,
)
