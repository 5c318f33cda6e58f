"""How topics hang together now: which stands at the top, and which department is responsible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

# Of several records of one topic the newest counts, from whichever source.
TOPIC_RECORDS = """
SELECT DISTINCT ON (t.member) t.member, m.key, t.parent, t.department
FROM topics t JOIN members m ON m.tenant_id = $1 AND m.member = t.member
WHERE t.tenant_id = $1 AND NOT t.is_stub AND NOT t.is_deleted
ORDER BY t.member, t.version_at DESC, t.content_hash DESC"""


class Through(StrEnum):
    """What a topic is looked at as."""

    parent = "parent"
    department = "department"


@dataclass(frozen=True, slots=True)
class TopicRecord:
    key: str
    parent: int | None
    department: int | None


@dataclass(frozen=True)
class TopicTree:
    """The described topics of a tenant, by member."""

    records: Mapping[int, TopicRecord] = field(default_factory=dict)

    def path(self, member: int) -> Iterator[int]:
        """The topic and those above it, each once."""
        seen: set[int] = set()
        above: int | None = member
        while above is not None and above not in seen:
            yield above
            seen.add(above)
            record = self.records.get(above)
            above = None if record is None else record.parent

    def top(self, member: int) -> int:
        """The last of the path. In a circle of parents nobody is last: it is cut below the one
        that comes first by key, so that no order of arrival shows."""
        path = list(self.path(member))
        last = self.records.get(path[-1])
        if last is None or last.parent is None:
            return path[-1]
        circle = path[path.index(last.parent) :]
        return min(circle, key=lambda each: self.records[each].key)

    def department(self, member: int) -> int | None:
        """That of the topic, else of the nearest one above it that names one."""
        for each in self.path(member):
            record = self.records.get(each)
            if record is not None and record.department is not None:
                return record.department
        return None

    @cached_property
    def tops(self) -> dict[int, int]:
        """Topics that have another one at the top."""
        return {member: top for member in self.records if (top := self.top(member)) != member}

    @cached_property
    def departments(self) -> dict[int, int]:
        found = {member: self.department(member) for member in self.records}
        return {member: department for member, department in found.items() if department}

    def mapping(self, through: Through) -> dict[int, int]:
        return self.tops if through is Through.parent else self.departments

    def chosen(self, through: Through, wanted: set[int]) -> tuple[int, ...]:
        """The topics that are looked at as one of `wanted`."""
        mapping = self.mapping(through)
        found = {member for member, seen_as in mapping.items() if seen_as in wanted}
        if through is Through.parent:
            found |= wanted - mapping.keys()
        return tuple(sorted(found))


NO_TOPICS = TopicTree()
