"""Anything that a source may send about rates, topics and annotations."""

from hypothesis import strategies as st
from tests.delivery.lab import Item
from tests.delivery.strategies import agents, instants, labels, maybe, record, teams

topic_items = record(labels, label=maybe(labels), department=maybe(labels))
annotation_items = record(
    st.sampled_from(["n1", "n2"]),
    starts_at=instants,
    text=st.just("Winter sale"),
    kind=st.sampled_from(["season", "other"]),
)
# The days on which the instants lie, and those around them.
days = st.sampled_from(["2026-03-30", "2026-03-31", "2026-04-01", "2026-04-02"])
subjects: st.SearchStrategy[Item] = st.one_of(
    st.just({}),
    agents.map(lambda agent: {"agent": agent}),
    teams.map(lambda team: {"team": team}),
)


def entry(item: Item, subject: Item, length: str | None) -> Item:
    is_later = length is not None and length > item["valid_from"]
    return {**item, **subject, **({"valid_to": length} if is_later else {})}


cost_items = st.builds(
    entry,
    record(
        st.sampled_from(["o1", "o2", "o3", "o4"]),
        currency=st.just("EUR"),
        valid_from=days,
        # Some that do not go into pieces of 15 minutes.
        hourly_rate=st.sampled_from([0, 0.0001, 10, 33.3333, 1e7]),
    ),
    subjects,
    maybe(days),
)
