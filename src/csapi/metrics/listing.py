"""What a cell is made of, one row an entry, with the parts that each brings. Pure.

An entry is a fact; of a metric that counts different subjects or customers all facts of one of
them, of a stock all changes of one subject that do not cancel out. Of what lasts at an instant it
is what lasts, of a cohort one of its subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from csapi.kit.db import Statement
from csapi.metrics.ages import aged_in, aged_rows
from csapi.metrics.cohorts import BEGINNING, cohort_entries
from csapi.metrics.compile import Compiler, column_of, fact_value, matching
from csapi.metrics.outlook import due_values, outlook_question
from csapi.metrics.parts import AGES, DISTINCT, EXTREMES, Measure, Part
from csapi.metrics.plan import Run
from csapi.metrics.question import Asked, Question, Terms
from csapi.metrics.survival import seen_ms

NO_SUBJECT = "'00000000-0000-0000-0000-000000000000'::uuid"


class Entry(StrEnum):
    """What one row of a listing stands for."""

    fact = "fact"
    subject = "subject"
    customer = "customer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the order of a listing. What an entry does not have is zero."""

    at: datetime
    subject: UUID
    kind: int
    ordinal: int
    customer: int


ORDER = tuple(Place.__dataclass_fields__)
ORDER_TYPES = ("timestamptz", "uuid", "smallint", "integer", "bigint")
WHERE_AND_WHO = ("agent", "team", "channel")
WHO = {"agent": "f.actor_agent", "team": "f.actor_team", "channel": "f.channel"}
VALUES = {
    "subject": "f.subject",
    "ordinal": "f.ordinal",
    "resource": "f.resource",
    "customer": "f.customer",
    **WHO,
}
# What lasts with its age -> the parts.
AGE_VALUES = {
    Measure.AGE_N: "(age IS NOT NULL)::int",
    Measure.AGE_SUM: "coalesce(age, 0)",
    Measure.AGE_MIN: "age",
    Measure.AGE_MAX: "age",
}


@dataclass(frozen=True)
class Listing:
    """The entries of the one metric of a question about a cell.

    extreme: of a shortest or longest one, how long that is; None where there is none.
    with_excluded: also what is left out of the value.
    """

    question: Question
    extreme: int | None = None
    with_excluded: bool = False

    @property
    def asked(self) -> Asked:
        (asked,) = self.question.metrics
        return asked

    @cached_property
    def entry(self) -> Entry:
        measures = {part.measure for part in self.asked.formula.parts}
        if Measure.CUSTOMERS in measures:
            return Entry.customer
        return Entry.subject if measures & {*DISTINCT, Measure.BALANCE} else Entry.fact

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Those of the question; and of percentiles what they are taken of."""
        valued = self.valued
        return tuple(dict.fromkeys((*self.question.parts, *([valued] if valued else []))))

    @property
    def valued(self) -> Part | None:
        """The part that is the entry's own value, of extremes and percentiles."""
        formula = self.asked.formula
        if formula.survival is not None:
            return Part(formula.n.parts[0].kind, (), Measure.DURATION_MIN)
        if self.asked.percentile is None or formula.spread is None:
            return self.asked.extreme
        measure = Measure.POSITIVE_MIN if formula.exclude_zero else Measure.DURATION_MIN
        return formula.spread.extreme(measure)

    @cached_property
    def own_parts(self) -> frozenset[Part]:
        """Those that the value is made of; others only say how it is to be read."""
        valued = self.valued
        return frozenset((*self.asked.own_parts, *([valued] if valued else [])))

    @cached_property
    def _read(self) -> Question:
        """The question whose facts are read."""
        if self.question.has_outlooks:
            return outlook_question(self.question)[0]
        # A filter chooses who is of a cohort, and not who of them stays.
        return replace(self.question, condition=None) if self._is_cohort else self.question

    @property
    def _is_cohort(self) -> bool:
        return self.asked.formula.is_cohort

    @property
    def runs(self) -> list[Run]:
        period = self._read.period
        return [(BEGINNING if self.question.stocks else period.start, period.end)]

    @cached_property
    def is_by_time(self) -> bool:
        """Whether entries of a part of the range are those of the facts there."""
        is_fact = self.entry is Entry.fact and not self._is_cohort
        return is_fact and not aged_in(self.question) and not self.question.has_outlooks

    def page(
        self, tenant_id: UUID, after: Place | None, limit: int, span: Run | None = None
    ) -> Statement:
        """The next entries in their order: the columns of ORDER, `resource`, WHERE_AND_WHO, and
        p0.. the parts. span: only those of that part of the range."""
        compiler = Compiler(tenant_id, self._read)
        runs = self.runs
        if after is not None and self.entry is Entry.fact:
            runs = [(max(start, after.at), end) for start, end in runs]
        if span is not None:
            runs = [(max(start, span[0]), min(end, span[1])) for start, end in runs]
        entries, listed = self._entries(compiler, runs), self._listed(compiler)
        sql = f"SELECT * FROM ({entries}) AS entries WHERE {listed}"
        if after is not None:
            values = [
                compiler.arguments.add(getattr(after, name), cast)
                for name, cast in zip(ORDER, ORDER_TYPES, strict=True)
            ]
            sql += f"\n  AND ({', '.join(ORDER)}) > ({', '.join(values)})"
        sql += f"\nORDER BY {', '.join(ORDER)} LIMIT {compiler.arguments.add(limit, 'bigint')}"
        return Statement(sql, tuple(compiler.arguments.values))

    def digest(self, tenant_id: UUID) -> Statement:
        """One row: how many entries there are, and a number that is another one as soon as any of
        them is."""
        compiler = Compiler(tenant_id, self._read)
        entries = self._entries(compiler, self.runs)
        columns = [*ORDER, "resource", *WHERE_AND_WHO, *(f"p{n}" for n in range(len(self.parts)))]
        sql = f"""SELECT count(*) AS entries,
  coalesce(bit_xor(hash_record_extended(ROW({", ".join(columns)}), 0)), 0) AS digest
FROM ({entries}) AS entries WHERE {self._listed(compiler)}"""
        return Statement(sql, tuple(compiler.arguments.values))

    def _entries(self, compiler: Compiler, runs: Sequence[Run]) -> str:
        if self._is_cohort:
            return self._cohort(compiler)
        rows = compiler.keyed(self._rows(compiler, runs))
        if self.entry is Entry.fact:
            return self._each(compiler, rows)
        return self._together(compiler, rows)

    def _rows(self, compiler: Compiler, runs: Sequence[Run]) -> str:
        """What entries are made of, with the parts under the names of their columns."""
        if aged := aged_in(self.question):
            ages = {
                column_of(part): f", {value} AS {column_of(part)}"
                for part in self.parts
                for measure, value in AGE_VALUES.items()
                if part.measure in (measure, AGES[measure])
            }
            rows = aged_rows(compiler, aged[0], {"since": "f.since", **VALUES})
            return f"SELECT *{''.join(ages.values())} FROM ({rows}) AS lasting"
        values = VALUES | {column_of(part): fact_value(part) for part in self.parts}
        if self.question.has_outlooks:
            values |= due_values(compiler, *outlook_question(self.question))
        if self.asked.formula.survival is not None and self.valued is not None:
            values[column_of(self.valued)] = f"coalesce(f.duration_ms, {seen_ms(compiler)})"
        counting = [matching(part.kind, part.outcomes, "f.") for part in self.own_parts]
        return compiler.facts(runs, values, f"({' OR '.join(sorted(set(counting)))})")

    def _each(self, compiler: Compiler, rows: str) -> str:
        at = "since" if aged_in(self.question) else "at"
        parts = []
        for number, part in enumerate(self.parts):
            otherwise = "NULL" if part.measure in EXTREMES else "0"
            value = otherwise
            if part in self.own_parts:
                wanted = compiler.wanted_of(part)
                value = f"CASE WHEN {wanted} THEN {column_of(part)} ELSE {otherwise} END"
            parts.append(f"({value})::bigint AS p{number}")
        return f"""SELECT {at} AS at, subject, kind, ordinal, 0::bigint AS customer, resource,
  {", ".join(WHERE_AND_WHO)}, {", ".join(parts)}
FROM ({rows}) AS keyed"""

    def _cohort(self, compiler: Compiler) -> str:
        """Each of a cohort since what it is at the start of the cell."""
        stays = {Measure.STARTED: "1", Measure.STAYED: "is_left::int"}
        listed = [
            *("at", "subject", "0::smallint AS kind", "0 AS ordinal", "0::bigint AS customer"),
            "resource",
            *(f"(latest[{n}])::int AS {name}" for n, name in enumerate(WHERE_AND_WHO, 2)),
            *(f"({stays.get(p.measure, '0')})::bigint AS p{n}" for n, p in enumerate(self.parts)),
        ]
        return cohort_entries(compiler, self.question, WHO, listed)

    def _together(self, compiler: Compiler, rows: str) -> str:
        """All facts of a member as one entry. It is at its first one; what is in stock is where its
        last change put it, and at one instant going out comes before coming in."""
        is_stock = bool(self.question.stocks)
        column = "coalesce(customer, 0)" if self.entry is Entry.customer else "subject"
        micros = "(extract(epoch FROM at) * 1000000)::bigint"
        tie = column_of(self.question.parts[self.question.stocks[0]]) if is_stock else "ordinal"
        chosen = f"ARRAY[{micros}, kind, {tie}, {', '.join(WHERE_AND_WHO)}]::bigint[]"
        first = f"{'max' if is_stock else 'min'}({chosen})"
        parts = [
            f"{compiler.summed(part) if part in self.own_parts else '0::bigint'} AS p{n}"
            for n, part in enumerate(self.parts)
        ]
        subject, customer = "member", "0::bigint"
        if self.entry is Entry.customer:
            subject, customer = NO_SUBJECT, "member"
        names = [f"(first[{n}])::int AS {name}" for n, name in enumerate(WHERE_AND_WHO, 4)]
        return f"""SELECT at, {subject} AS subject, 0::smallint AS kind, 0 AS ordinal,
  {customer} AS customer, resource, {", ".join(names)},
  {", ".join(f"p{n}" for n in range(len(self.parts)))}
FROM (
  SELECT {column} AS member, {"max" if is_stock else "min"}(at) AS at,
    min(resource) AS resource, {first} AS first, {", ".join(parts)}
  FROM ({rows}) AS keyed GROUP BY 1
) AS together"""

    def _listed(self, compiler: Compiler) -> str:
        """Whether an entry is part of the value, or caused it."""
        (places,) = self.question.places
        if places.extreme is not None:
            found = "false"
            if self.extreme is not None:
                found = f"p{places.extreme} = {compiler.arguments.add(self.extreme, 'bigint')}"
            tests = [found]
        else:
            terms = [places.numerator, places.n, places.denominator or ()]
            tests = [f"{sum_of(each)} <> 0" for each in dict.fromkeys(terms) if each]
        if self.with_excluded and places.negative:
            tests.append(f"{sum_of(places.negative)} <> 0")
        return f"({' OR '.join(tests)})"


def sum_of(terms: Terms) -> str:
    return "(" + " + ".join(f"{sign} * p{place}" for sign, place in terms) + ")"
