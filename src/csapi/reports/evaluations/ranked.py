"""Groups of a question by agent as ranked values."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import asdict

from csapi.metrics.question import Asked, Places
from csapi.metrics.shrinkage import Prior, prior_of, size_of
from csapi.reports.evaluations.schemas import PriorInfo, RankedValue
from csapi.reports.fillings import Group
from csapi.reports.schemas import MetricValue
from csapi.reports.shape import are_scales_mixed, metric_value
from csapi.reports.verdicts import sample_of


@dataclass(frozen=True, slots=True)
class Column:
    """A metric of a question by agent, and what its values are drawn to for ranking."""

    asked: Asked
    places: Places
    prior: Prior | None

    @property
    def name(self) -> str:
        return self.asked.name

    def value(self, group: Group) -> MetricValue:
        return metric_value(self.asked, self.places, group)

    def rank_value(self, group: Group, value: float | None) -> float | None:
        """What a group with this value ranks by."""
        if value is None or self.prior is None:
            return value
        size = size_of(self.asked.formula, sample_of(self.places, group))
        return self.prior.drawn(value, size) if size else value

    def ranked_by(self, group: Group) -> float | None:
        return self.rank_value(group, self.value(group).value)

    def ranked(self, group: Group, cell: MetricValue) -> RankedValue:
        return RankedValue(**asdict(cell), rank_value=self.rank_value(group, cell.value))

    @property
    def told(self) -> PriorInfo | None:
        if self.prior is None:
            return None
        return PriorInfo(
            drawing=self.prior.drawing,
            mean=self.prior.mean,
            weight=self.prior.weight,
            agents=self.prior.members,
        )


def column_of(asked: Asked, places: Places, groups: Sequence[Group]) -> Column:
    """A column whose prior comes from the groups. What is hidden of one must not show in it; groups
    on several scales have none."""
    kind = None if asked.sampling is None else asked.sampling.kind
    known = [each for each in groups if asked.name not in each.hidden]
    if are_scales_mixed(asked, places, *known):
        return Column(asked, places, None)
    samples = [sample_of(places, each) for each in known]
    return Column(asked, places, prior_of(kind, asked.formula, samples))
