"""The words that random items are made of: few names and instants, so that they meet."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.delivery.lab import version

# Around the end of a month, so that slots, days and months all change hands.
START = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)

instants = st.builds(
    lambda minutes, fraction: (
        START + timedelta(minutes=minutes, microseconds=fraction)
    ).isoformat(),
    st.integers(0, 300),
    st.sampled_from([0, 0, 0, 1_500, 999_500]),
)
agents = st.sampled_from(["a1", "a2"])
teams = st.sampled_from(["x", "y"])
customers = st.sampled_from(["u1", "u2", "u3"])
labels = st.sampled_from(["p", "q"])
tickets = st.sampled_from(["t1", "t2"])
calls = st.sampled_from(["c1", "c2", "c3"])
requests = st.sampled_from(["r1", "r2"])
sessions = st.sampled_from(["s1", "s2"])
articles = st.sampled_from(["k1", "k2"])
# Searches and clicks of the same instants, and between them.
few_instants = st.integers(0, 4).map(lambda n: (START + timedelta(minutes=20 * n)).isoformat())
versions = st.integers(0, 3).map(version)
custom = st.one_of(
    st.just({}),
    st.builds(lambda value: {"plan": value}, st.sampled_from(["gold", "5", 5, 2.5, True])),
)
seconds = st.sampled_from([0, 1, 20, 20.5, 3600])
flags = st.sampled_from([False, False, False, True])


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), of)


tags = st.lists(st.sampled_from(["p", "q", "r"]), max_size=2)
scores = st.sampled_from([0, 0.00005, 0.33335, 0.5, 1])
tone = {
    "sentiment_label": maybe(st.sampled_from(["positive", "neutral", "negative"])),
    # Just at, under and over a half of the fourth decimal.
    "sentiment_score": maybe(st.sampled_from([-1, -0.00005, 0, 0.12345, 0.12344999, 1])),
}
about_work = {
    "ticket": maybe(tickets),
    "call": maybe(calls),
    "agent": maybe(agents),
    "team": maybe(teams),
    "customer": maybe(customers),
}


def record(name: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries(
        {"external_id": name, "source_updated_at": versions, "deleted": flags, **fields}
    ).map(lambda item: {key: value for key, value in item.items() if value is not None})
