"""Situations in which the timeline of an agent can go wrong."""

from tests.delivery.explorer import Scenario
from tests.delivery.items import agent, presence, shift
from tests.delivery.sessions import at, ingest, prepared, rederive

MANY = 40

TIMELINE = Scenario(
    "two states of one agent, of which one ends the other",
    prepared(("presence", [presence("p1", at("09:00"))])),
    [
        ingest("break", "presence", presence("p2", at("09:20"), state="break")),
        ingest("offline", "presence", presence("p3", at("09:40"), state="offline")),
    ],
)

ON_SHIFT = Scenario(
    "a shift and the presence of its agent arrive together",
    prepared(
        ("presence", [presence("p1", at("09:00"))]),
        ("shifts", [shift("s2", at("11:00"), at("11:10"))]),
    ),
    [
        ingest("presence", "presence", presence("p2", at("09:20"), state="offline")),
        ingest("shift", "shifts", shift("s1", at("09:00"), at("09:40"))),
    ],
)

TIMELINES_MOVED = Scenario(
    "presence goes to another agent while both get more",
    prepared(
        (
            "presence",
            [presence("p1", at("09:20")), presence("p2", at("09:00"), agent="a2", state="break")],
        ),
        ("shifts", [shift("s1", at("09:00"), at("09:40"))]),
    ),
    [
        ingest("a1 to a2", "presence", presence("p1", at("09:20"), 1, agent="a2")),
        ingest("a1", "presence", presence("p3", at("09:30"))),
        ingest("a2", "shifts", shift("s1", at("09:00"), at("09:40"), 1, agent="a2")),
    ],
    limit=MANY,
)

TEAM_ON_SHIFT = Scenario(
    "an agent's team changes while presence comes in and another is derived",
    prepared(
        ("agents", [agent("a1", "x")]),
        ("presence", [presence("p1", at("09:00"), ended_at=at("09:10"))]),
        ("shifts", [shift("s1", at("09:00"), at("09:40"))]),
        then=(("agents", [agent("a1", "y", 1)]),),
    ),
    [
        rederive("derive"),
        ingest("presence", "presence", presence("p1", at("09:05"), 1, ended_at=at("09:20"))),
        ingest("shift", "shifts", shift("s1", at("09:00"), at("09:20"), 1)),
    ],
    limit=MANY,
)

PEOPLE_SCENARIOS = (TIMELINE, ON_SHIFT, TIMELINES_MOVED, TEAM_ON_SHIFT)
