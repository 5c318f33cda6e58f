"""What of what was read is a finding. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from csapi.reports.drivers.reading import CONTACTS, CUSTOMERS
from csapi.reports.radar.detector import LEAST_HISTORY, Detector, Verdict
from csapi.reports.radar.emerging import LEAST_PEOPLE
from csapi.reports.radar.knowledge import called
from csapi.reports.radar.reading import Daily, Topics
from csapi.reports.radar.renames import predecessors
from csapi.reports.radar.schemas import RadarKind, Surprise

PEOPLE = CUSTOMERS.as_ or CUSTOMERS.id


@dataclass(frozen=True, slots=True)
class Finding:
    """A topic to tell of. verdict: None of one that was never there before."""

    kind: RadarKind
    topic: str
    verdict: Verdict | None


def surprise_of(verdict: Verdict) -> Surprise:
    return Surprise(
        expected=verdict.expected,
        ratio=verdict.ratio,
        ratio_ci95=list(verdict.ratio_ci95),
        p_value=verdict.p_value,
        p_adjusted=verdict.p_adjusted,
        dispersion=verdict.dispersion,
        is_seasonal=verdict.is_seasonal,
    )


@dataclass(frozen=True)
class Judged:
    """Topics with their days, and what they say."""

    found: Topics
    daily: Daily

    @cached_property
    def detector(self) -> Detector[str | None]:
        return Detector(self.daily.totals, self.found.window.days)

    @property
    def is_long_enough(self) -> bool:
        return self.detector.known_days >= LEAST_HISTORY

    @cached_property
    def verdicts(self) -> Mapping[str | None, Verdict]:
        """Of topics, and under None of what has none; all are corrected for together."""
        series: dict[str | None, Sequence[int]] = {None: self.daily.untagged}
        series |= {key: self.daily.topics[key] for key in self.daily.chosen}
        return self.detector.verdicts(series, self.daily.tested + 1)

    def count(self, key: str) -> float:
        return self.found.rows[key][CONTACTS.id].value or 0.0

    @cached_property
    def _of_few(self) -> frozenset[str | None]:
        """What few customers alone turned to us about, as far as customers are known."""
        people = {key: cells[PEOPLE].value for key, cells in self.found.rows.items()}
        return frozenset(
            key for key, each in people.items() if each is None or 0 < each < LEAST_PEOPLE
        )

    def is_told(self, key: str | None) -> bool:
        """Whether it rose, and may be told of."""
        verdict = self.verdicts.get(key)
        return verdict is not None and verdict.is_alarm and key not in self._of_few

    @cached_property
    def _never_before(self) -> list[str]:
        keys = [key for key in self.found.rows if key is not None]
        if not self.is_long_enough:
            return []
        return [key for key in keys if key not in self.found.ever and self.count(key)]

    @cached_property
    def _rose(self) -> list[str]:
        risen = [key for key in self.daily.chosen if key in self.found.ever and self.is_told(key)]
        return [key for key in risen if key not in self.found.hidden]

    @cached_property
    def renamed(self) -> Mapping[str, list[str]]:
        """What goes on under another name -> what it was called."""
        names: dict[str, str] = {}
        for key, label in self.found.ever.items():
            names |= {called(key): key, called(label): key}
        renamed = {}
        for key in (*self._never_before, *self._rose):
            label = self.found.labels.get(key, key)
            same = names.get(called(key), names.get(called(label)))
            if same is not None and same != key and key not in self.found.ever:
                renamed[key] = [same]
            elif was := self._was(key):
                renamed[key] = was
        return renamed

    def _was(self, key: str) -> list[str]:
        counts, window = self.daily.topics.get(key), self.found.window.days
        if counts is None:
            return []
        is_new, verdict = key not in self.found.ever, self.verdicts.get(key)
        usual = 0.0 if is_new or verdict is None else verdict.expected
        silent = {each: self.daily.topics[each] for each in self.daily.ended if each != key}
        more = sum(counts[-window:]) - usual
        return predecessors(counts, more, silent, window, is_new=is_new)

    def new(self) -> list[Finding]:
        """Those with most contacts first."""
        left = [key for key in self._never_before if key not in self.renamed]
        listed = sorted(left, key=lambda key: (-self.count(key), key))
        return [Finding(RadarKind.first_seen, key, None) for key in listed]

    def risen(self) -> list[Finding]:
        """The most surprising first."""
        left = [(self.verdicts[key], key) for key in self._rose if key not in self.renamed]
        return [
            Finding(RadarKind.resurging if verdict.is_back else RadarKind.risen, key, verdict)
            for verdict, key in sorted(left, key=lambda each: (each[0].p_value, each[1]))
        ]

    def surprise(self, key: str | None) -> Surprise | None:
        """None: nothing is known before, or it is about too few customers."""
        verdict, count = self.verdicts.get(key), self.found.cells(key)[CONTACTS.id].value
        is_hidden = count is None or self.found.before.get(key, 0.0) is None
        is_new = key is not None and key not in self.found.ever
        return None if verdict is None or is_hidden or is_new else surprise_of(verdict)
