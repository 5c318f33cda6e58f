"""Made-up tenants whose years have seasons, for measuring the radar.

Contacts follow the day of the week, the sun, Ramadan (whose date moves), the feast after it and a
sale peak; some topics have their own share in these. Counts vary more than by chance: the whole by
the day, each topic by the week, and shares drift.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate

from csapi.connect.demo.phrases import phrases
from csapi.facts.text import said_words
from csapi.reports.radar.detector import SEASONS, base_days, history_days
from csapi.reports.radar.emerging import Days, Text, terms_of

RAMADANS = (date(2023, 3, 23), date(2024, 3, 11), date(2025, 3, 1), date(2026, 2, 18))
RAMADAN_DAYS, FEAST_DAYS = 30, 4
TOPICS = 24
BY_DAY, BY_WEEK, DRIFT = 0.15, 0.15, 0.02
WEEKEND = (0.35, 0.6)
LANGUAGES = ("en", "ar", "zh")
# What people write when it happens, by language.
ISSUES = {
    "en": ("verification code never arrives", "apple pay declined", "voucher already redeemed",
           "charged twice yesterday", "app freezes on start"),
    "ar": ("رمز التحقق لا يصل", "ابل باي مرفوض", "القسيمة مستخدمة مسبقا", "خصم المبلغ مرتين",
           "التطبيق يتجمد عند الفتح"),
    "zh": ("验证码收不到", "苹果支付被拒绝", "优惠券显示已使用", "重复扣款两次", "应用闪退打不开"),
}  # fmt: skip
SEASONAL = {
    "en": ("ramadan working hours", "discount code white friday"),
    "ar": ("مواعيد العمل في رمضان", "كود خصم الجمعة البيضاء"),
    "zh": ("斋月营业时间", "白色星期五折扣码"),
}
SEASON_SHARE, PRODUCTS = 0.08, 300
SALE, SALE_DAYS = 2.5, 8
SOME_TOPICS = (None, 1, 2, 3, 4)
Written = tuple[int | None, Sequence[str]]


def poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, found, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        found, product = found + 1, product * rng.random()
    return found


def noise(rng: random.Random, variation: float) -> float:
    """Around 1."""
    shape = 1 / variation**2
    return rng.gammavariate(shape, 1 / shape)


def in_ramadan(day: date) -> bool:
    return any(0 <= (day - first).days < RAMADAN_DAYS for first in RAMADANS)


def in_feast(day: date) -> bool:
    return any(0 <= (day - first).days - RAMADAN_DAYS < FEAST_DAYS for first in RAMADANS)


def since_sale(day: date) -> int:
    """Days since the Monday of the week with the last Friday of November."""
    last = date(day.year, 11, 30)
    friday = last - timedelta(days=(last.weekday() - 4) % 7)
    return (day - friday + timedelta(days=4)).days


@dataclass
class Tenant:
    """A tenant with its days from `start` on. `means`: what was to be expected of each topic."""

    seed: int
    start: date
    days: int
    totals: list[int] = field(default_factory=list)
    topics: list[list[int]] = field(default_factory=list)
    means: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"tenant/{self.seed}")
        self.volume = math.exp(self.rng.uniform(math.log(40), math.log(400)))
        self.shares = [1 / (place + 3) for place in range(TOPICS)]
        self.rng.shuffle(self.shares)
        for _ in range(self.days // 7 + 1):
            self._week()
        self.totals = [sum(each) for each in zip(*self.topics, strict=True)]

    def day(self, place: int) -> date:
        return self.start + timedelta(days=place)

    def busy(self, day: date) -> float:
        found = 1 + 0.15 * math.sin(2 * math.pi * day.timetuple().tm_yday / 365)
        if day.weekday() in (4, 5):
            found *= WEEKEND[day.weekday() - 4]
        if in_ramadan(day):
            found *= 1.2
        if in_feast(day):
            found *= 0.4
        return found * (SALE if 0 <= since_sale(day) < SALE_DAYS else 1.0)

    def season(self, topic: int, day: date) -> float:
        """By how much a season changes the share of a topic. Three have more to say in Ramadan, two
        in the sale, one in the weeks after it; one comes in Ramadan alone."""
        if topic == 6:
            return 3.0 if in_ramadan(day) else 0.0
        if topic < 3 and in_ramadan(day):
            return 2.5
        if topic in (3, 4) and 0 <= since_sale(day) < SALE_DAYS:
            return 2.5
        return 2.0 if topic == 5 and SALE_DAYS <= since_sale(day) < 22 else 1.0

    def _week(self) -> None:
        rng, done = self.rng, len(self.topics[0]) if self.topics else 0
        self.topics = self.topics or [[] for _ in range(TOPICS)]
        self.means = self.means or [[] for _ in range(TOPICS)]
        self.shares = [each * math.exp(rng.gauss(0, DRIFT)) for each in self.shares]
        whole, of_week = sum(self.shares), [noise(rng, BY_WEEK) for _ in self.shares]
        for place in range(done, min(done + 7, self.days)):
            day = self.day(place)
            busy = self.volume * self.busy(day) * noise(rng, BY_DAY)
            for topic, share in enumerate(self.shares):
                mean = busy * share / whole * self.season(topic, day) * of_week[topic]
                self.means[topic].append(mean)
                self.topics[topic].append(poisson(rng, mean))

    def grown(self, topic: int, onset: int, growth: float) -> list[int]:
        """The topic with an issue from that day on: so many times what it would have been."""
        rng = random.Random(f"issue/{self.seed}/{topic}/{onset}")
        return [
            count + (poisson(rng, (growth - 1) * mean) if place >= onset else 0)
            for place, (count, mean) in enumerate(
                zip(self.topics[topic], self.means[topic], strict=True)
            )
        ]


@dataclass
class Writers:
    """What people write to a tenant in one language, day by day; from `onset` on there is an issue:
    so many times as many write of it."""

    seed: int
    language: str
    start: date
    days: int
    onset: int | None = None
    growth: float = 1
    written: dict[int, list[Text]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = self.rng("tenant")
        self.volume = math.exp(rng.uniform(math.log(20), math.log(50)))
        self.issue = ISSUES[self.language][self.seed % len(ISSUES[self.language])]
        # Texts a week about the later issue, from before it is one.
        self.usual = rng.uniform(3, 15)
        popular = [1 / (place + 2) for place in range(PRODUCTS)]
        rng.shuffle(popular)
        self.popular: list[list[float]] = []
        for _ in range(self.days // 7 + 1):
            popular = [each * math.exp(rng.gauss(0, BY_WEEK)) for each in popular]
            self.popular.append(list(accumulate(popular)))

    def rng(self, what: object) -> random.Random:
        return random.Random(f"texts/{self.seed}/{self.language}/{what}")

    @cached_property
    def subjects(self) -> Sequence[Sequence[str]]:
        """Words of subjects of the demo, each with how it goes on."""
        said = phrases(self.language)
        pairs = [
            f"{subject} {opening}"
            for topic, subjects in said.subjects.items()
            for subject in subjects
            for opening in said.openings.get(topic, ("",))
        ]
        return [said_words(each) for each in pairs]

    @cached_property
    def seasonal(self) -> Sequence[Sequence[str]]:
        return [said_words(each) for each in SEASONAL[self.language]]

    def day(self, number: int) -> list[Text]:
        """The texts of a day, as days are counted from the start."""
        if number not in self.written:
            rng, first = self.rng(number), number * 10_000
            written = [*self._usual(number, rng), *self._about_issue(number, rng)]
            self.written[number] = [
                Text(first + place, number, f"p{first + place}", topic, terms_of(words))
                for place, (topic, words) in enumerate(written)
            ]
        return self.written[number]

    def _usual(self, number: int, rng: random.Random) -> Iterator[Written]:
        day, popular = self.start + timedelta(days=number), self.popular[number // 7]
        weekend = WEEKEND[day.weekday() - 4] if day.weekday() in (4, 5) else 1.0
        is_sale = 0 <= since_sale(day) < SALE_DAYS
        busy = self.volume * weekend * (SALE if is_sale else 1.0)
        for _ in range(poisson(rng, busy * noise(rng, BY_DAY))):
            product = rng.choices(range(PRODUCTS), cum_weights=popular)[0]
            words = [*rng.choice(self.subjects), f"product{product}"]
            for season, is_on in enumerate((in_ramadan(day), is_sale)):
                if rng.random() < (SEASON_SHARE if is_on else SEASON_SHARE / 100):
                    words += self.seasonal[season]
            yield rng.choice(SOME_TOPICS), words

    def _about_issue(self, number: int, rng: random.Random) -> Iterator[Written]:
        more = self.growth if self.onset is not None and number >= self.onset else 1
        for _ in range(poisson(rng, more * self.usual / 7)):
            words = [*rng.choice(self.subjects)[:2], *said_words(self.issue)]
            yield rng.choice(SOME_TOPICS), words

    def seen_at(self, end: int, window: int) -> tuple[list[Text], Days]:
        """What the radar reads once a day is over, in days of its own: the texts of the window, of
        the weeks before and of the same days a year before."""
        first, start = end - window - history_days(window), end - window
        spans = ((start - SEASONS[-1], end - SEASONS[0]), (start - base_days(window), end))
        texts = [
            Text(each.place, each.day - first, each.person, each.topic, each.terms)
            for begin, until in spans
            for day in range(max(0, begin), max(0, until))
            for each in self.day(day)
        ]
        return texts, Days(end - first, window)
