"""Who works for Rimal, an electronics shop that does not exist, and who buys there."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from csapi.connect.demo.phrases import LANGUAGES, phrases
from csapi.connect.demo.span import Span, midnight, stream

Item = dict[str, Any]

DESK, PARTNER = "desk", "partner"
WEAK_AGENT, QUIET_AGENT, BOT = "a06", "a17", "sanad"

TEAMS = {
    DESK: {
        "frontline": "Front line",
        "billing": "Billing",
        "technical": "Technical",
        "vip": "VIP desk",
    },
    PARTNER: {"marketplace": "Marketplace partner"},
}


@dataclass(frozen=True, slots=True)
class Agent:
    """`pace` multiplies times, `charm` shifts ratings, `share` is how much of the work is taken.

    `moved` to another team, `joined` and `left` are so many days ago.
    """

    id: str
    name: str
    team: str
    pace: float = 1.0
    charm: float = 0.0
    share: float = 1.0
    moved: tuple[int, str] | None = None
    joined: int | None = None
    left: int | None = None

    def team_on(self, days_ago: int) -> str:
        if self.moved and days_ago <= self.moved[0]:
            return self.moved[1]
        return self.team

    def works_on(self, span: Span, day: date) -> bool:
        days_ago = span.days_ago(day)
        if self.joined is not None and days_ago > self.joined:
            return False
        if self.left is not None and days_ago <= self.left:
            return False
        number = int(self.id[1:])
        return (day.toordinal() + number) % 7 not in (0, 3)


# They watch over the night and write little.
NIGHT_CREW = (
    Agent("a23", "Mona Sharif", "frontline", 1.1, 0.0, share=0.12),
    Agent("a24", "Peter Novak", "technical", 1.0, 0.1, share=0.12),
)
CREW = (
    Agent("a01", "Aisha Rahman", "frontline", 0.8, 0.3),
    Agent("a02", "Omar Siddiqui", "frontline", 1.0, 0.1),
    Agent("a03", "Lena Fischer", "frontline", 0.9, 0.2, moved=(45, "vip")),
    Agent("a04", "Yousef Haddad", "frontline", 1.1, 0.0),
    Agent("a05", "Grace Okoye", "frontline", 0.95, 0.1),
    Agent(WEAK_AGENT, "Robin Hale", "frontline", 2.8, -1.2),
    Agent("a07", "Sara Mansour", "frontline", 0.85, 0.2),
    Agent("a08", "Daniel Osei", "frontline", 1.05, 0.0, moved=(30, "billing")),
    Agent("a09", "Huda Karim", "frontline", 1.2, 0.1, joined=38),
    Agent("a10", "Tariq Aziz", "billing", 1.0, 0.0),
    Agent("a11", "Nadia Petrova", "billing", 0.9, 0.1),
    Agent("a12", "Khalid Nasser", "billing", 1.1, -0.1),
    Agent("a13", "Joyce Mwangi", "billing", 1.0, 0.2, left=21),
    Agent("a14", "Reem Saleh", "billing", 0.95, 0.0),
    Agent("a15", "Zhang Wei", "technical", 0.9, 0.1),
    Agent("a16", "Ivan Horvat", "technical", 1.15, -0.1),
    Agent(QUIET_AGENT, "Noor Jaber", "technical", 1.0, 0.0, share=0.07),
    Agent("a18", "Fatima Zahra", "technical", 0.85, 0.2),
    Agent("a19", "Chen Li", "technical", 1.0, 0.1, moved=(60, "frontline")),
    Agent("a20", "Layla Hamdan", "vip", 0.7, 0.3),
    Agent("a21", "Marcus Bell", "vip", 0.75, 0.2),
    Agent("a22", "Salma Idris", "technical", 1.05, 0.0),
    *NIGHT_CREW,
)
PARTNER_CREW = (
    Agent("p01", "Bilal Khan", "marketplace", 1.3, -0.2),
    Agent("p02", "Anna Kowalska", "marketplace", 1.2, 0.0),
    Agent("p03", "Hassan Jibril", "marketplace", 1.5, -0.1),
)
BOT_AGENT = Agent(BOT, "Sanad", "")

REGIONS = {
    "riyadh": ("SA", 34),
    "makkah": ("SA", 24),
    "eastern": ("SA", 18),
    "dubai": ("AE", 12),
    "kuwait": ("KW", 7),
    "bahrain": ("BH", 5),
}
COMPANIES = (
    "Najd Clinics",
    "Palm Logistics",
    "Red Sea Dental",
    "Al Waha Schools",
    "Blue Dune Hotels",
    "Sahra Engineering",
    "Qamar Bakeries",
    "Eastern Star Trading",
    "Golden Bridge Imports",
    "Hilal Law Office",
    "Oasis Robotics",
    "Marjan Travel",
)
LANGUAGE_WEIGHTS = (50, 34, 16)
CUSTOMER_TAGS = {"newsletter": 0.4, "reseller": 0.06, "press": 0.02}
RECORD_TAGS = {"bug": 0.15, "praise": 0.1, "legal": 0.02}
MERGED = 12
SEGMENTS = {"consumer": 77, "business": 16, "vip": 7}


@dataclass(frozen=True, slots=True)
class Customer:
    """`weight` is how often this one turns to us, compared with others."""

    number: int
    source: str
    id: str
    name: str
    language: str
    segment: str
    company: str | None
    region: str
    weight: float

    def item(self, span: Span) -> Item:
        return {
            "source": self.source,
            "external_id": self.id,
            "source_updated_at": span.now,
            "name": self.name,
            "email": f"{self.id}@customers.example",
            "company": self.company,
            **history_of(self, span),
            "locale": self.language,
            "country": REGIONS[self.region][0],
            "custom": {"region": self.region},
        }


def history_of(customer: Customer, span: Span) -> Item:
    """Since when, as what and until when somebody is a customer."""
    rng = stream("custom", customer.source, customer.number)
    since = midnight(span.first) - timedelta(days=rng.randint(1, 700))
    if rng.random() < 0.1:
        since = midnight(span.first + timedelta(days=rng.randint(1, span.days - 1)))
    statuses: list[Item] = [{"status": "active", "from": since}]
    if rng.random() < 0.12:
        gone = since + (span.now - since) * rng.uniform(0.5, 1.0)
        statuses = [{**statuses[0], "to": gone}, {"status": "churned", "from": gone}]
    return {
        "type": "company" if customer.company else "person",
        "registered": rng.random() < 0.7,
        "created_at": since,
        "statuses": statuses,
        "tags": [tag for tag, share in CUSTOMER_TAGS.items() if rng.random() < share],
        **segment_of(customer, span, rng),
    }


def tags_of(customer: Customer, record: str) -> list[str]:
    """What a ticket or call is tagged as from the start."""
    rng = stream("tags", record)
    found = [tag for tag, share in RECORD_TAGS.items() if rng.random() < share]
    return [*(["vip"] if customer.segment == "vip" else []), *found]


def segment_of(customer: Customer, span: Span, rng: random.Random) -> Item:
    """Some of the best were plain customers for the first half of the time."""
    if customer.segment != "vip" or rng.random() < 0.6:
        return {"segment": customer.segment}
    risen = midnight(span.first + timedelta(days=span.days // 2))
    return {"segments": [{"segment": "consumer", "to": risen}, {"segment": "vip", "from": risen}]}


def merge_items(span: Span) -> Iterator[Item]:
    """Some customers of the partner shop at Rimal, too."""
    for number in range(1, MERGED + 1):
        yield {
            "source": PARTNER,
            "from": f"m{number * 9:04}",
            "into": f"c{number * 11:04}",
            "into_source": DESK,
            "source_updated_at": midnight(span.first),
        }


@dataclass
class Roster:
    """Who is at work, by team; the same answer for the same day."""

    span: Span
    crew: tuple[Agent, ...]
    _known: dict[tuple[date, str], tuple[list[Agent], list[float]]] = field(default_factory=dict)

    def pick(self, team: str, day: date, rng: random.Random) -> Agent:
        if (day, team) not in self._known:
            self._known[day, team] = self._at_work(team, day)
        agents, shares = self._known[day, team]
        return rng.choices(agents, shares)[0]

    def _at_work(self, team: str, day: date) -> tuple[list[Agent], list[float]]:
        days_ago = self.span.days_ago(day)
        members = [agent for agent in self.crew if agent.team_on(days_ago) == team]
        present = [agent for agent in members if agent.works_on(self.span, day)]
        agents = present or [agent for agent in members if agent.left is None]
        return agents, [agent.share for agent in agents]


def customers_of(source: str, amount: int) -> list[Customer]:
    """Many write once, few write often."""
    rng = stream("customers", source)
    made = []
    for number in range(amount):
        language = rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        names = phrases(language).names
        given, family = rng.choice(names.given), rng.choice(names.family)
        segment = rng.choices(list(SEGMENTS), list(SEGMENTS.values()))[0]
        made.append(
            Customer(
                number=number,
                source=source,
                id=f"{'m' if source == PARTNER else 'c'}{number + 1:04}",
                name=f"{family}{given}" if language == "zh" else f"{given} {family}",
                language=language,
                segment=segment,
                company=rng.choice(COMPANIES) if segment == "business" else None,
                region=rng.choices(list(REGIONS), [each[1] for each in REGIONS.values()])[0],
                weight=min(rng.paretovariate(2.0), 12) * (2.5 if segment == "vip" else 1),
            )
        )
    return made


def team_items(span: Span) -> Iterator[Item]:
    for source, teams in TEAMS.items():
        for team, name in teams.items():
            yield {
                "source": source,
                "external_id": team,
                "source_updated_at": midnight(span.first),
                "name": name,
            }


def membership(agent: Agent, span: Span) -> Item:
    if agent.moved is None:
        return {"team": agent.team or None}
    moved_at = midnight(span.today - timedelta(days=agent.moved[0]))
    return {
        "memberships": [
            {"team": agent.team, "to": moved_at},
            {"team": agent.moved[1], "from": moved_at},
        ]
    }


def agent_items(span: Span) -> Iterator[Item]:
    crews: Iterable[tuple[str, Agent]] = [
        *((DESK, agent) for agent in (*CREW, BOT_AGENT)),
        *((PARTNER, agent) for agent in PARTNER_CREW),
    ]
    for source, agent in crews:
        yield {
            "source": source,
            "external_id": agent.id,
            "source_updated_at": midnight(span.first),
            "name": agent.name,
            "kind": "bot" if agent is BOT_AGENT else "human",
            "active": agent.left is None,
            **membership(agent, span),
        }
