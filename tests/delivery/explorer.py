"""Running a scenario under many schedules, and saying what was found."""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.delivery.checks import take_snapshot, violations
from tests.delivery.lab import Known, Lab, drain
from tests.delivery.search import Choose, RedundantError, Systematic, directed, replayed, seeded
from tests.delivery.stepping import Lane, Rewrite, Schedule, Step

DEEP = os.environ.get("CSAPI_TEST_DEPTH") == "deep"
# "scenario:schedule", as a failure prints it
REPLAY = os.environ.get("CSAPI_TEST_REPLAY", "")
Work = Callable[["Trial", Any], Awaitable[object]]


@dataclass(frozen=True)
class Session:
    """A lane of a scenario: which role it has in production, and what it does."""

    name: str
    work: Work
    role: str = "api"


@dataclass(frozen=True)
class Scenario:
    """`prepare` fills a tenant once; each schedule runs `sessions` on a copy of it."""

    name: str
    prepare: Callable[[Lab, UUID], Awaitable[Known]]
    sessions: Sequence[Session]
    timezone: str = "UTC"
    limit: int = 120
    # What else must hold in every snapshot, and at the end (True), for this scenario alone.
    further: Callable[["Trial", bool], Awaitable[list[str]]] | None = None


@dataclass(frozen=True)
class Mutant:
    """The protocol with one mistake: patched module attributes, rewritten SQL."""

    name: str
    patch: Callable[[], AbstractContextManager[object]] = nullcontext
    rewrite: Rewrite = str


REAL = Mutant("the protocol")


@dataclass(frozen=True)
class Trial:
    """One schedule's tenant."""

    lab: Lab
    tenant_id: UUID
    known: Known
    timezone: str


@dataclass
class Report:
    """What was run of a scenario, and the first thing that went wrong."""

    scenario: str
    schedules: int = 0
    redundant: int = 0
    deadlocks: int = 0
    sampled: int = 0
    is_complete: bool = False
    found: list[str] = field(default_factory=list)
    choices: str = ""
    steps: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        reach = "all" if self.is_complete else "not all"
        text = (
            f"{self.scenario}: {self.schedules} schedules ({reach}), {self.sampled} of them "
            f"random, {self.redundant} cut short, {self.deadlocks} deadlocks"
        )
        if not self.found:
            return text
        trace = "\n".join(map(str, self.steps))
        return "\n".join(
            [text, *self.found, f"CSAPI_TEST_REPLAY={self.scenario}:{self.choices}", trace]
        )


class Explorer:
    def __init__(self, lab: Lab, scenario: Scenario, mutant: Mutant = REAL) -> None:
        self._lab = lab
        self._scenario = scenario
        self._mutant = mutant
        self._original: tuple[UUID, Known] | None = None

    async def explore(self, *, limit: int | None = None, samples: int = 0, seed: int = 0) -> Report:
        """Run schedules until all are done, `limit` is reached or one shows a violation."""
        report = Report(self._scenario.name)
        name, _, choices = REPLAY.partition(":")
        if name == self._scenario.name:
            await self._run(replayed(choices), report)
            return report
        limit = limit or self._scenario.limit
        search = Systematic(seed)
        while not search.is_complete and report.schedules < limit and not report.found:
            await self._run(search.choose, report, search.replayed_choices)
            search.learn()
        report.is_complete = search.is_complete
        if not report.is_complete:
            for number in range(samples):
                if report.found:
                    break
                await self._run(seeded(seed + number), report)
                report.sampled += 1
        return report

    async def direct(self, plan: Sequence[tuple[int, str]]) -> Report:
        """Run the one schedule that a plan describes."""
        report = Report(self._scenario.name)
        await self._run(directed(plan), report)
        return report

    async def _run(self, choose: Choose, report: Report, checked: int = 0) -> None:
        """Run one schedule and add to the report. The states after the first `checked` choices
        were looked at before."""
        trial = await self._trial()
        roles = [session.role for session in self._scenario.sessions]
        lanes = [
            self._lane(trial, session, connection)
            for session, connection in zip(
                self._scenario.sessions, self._lab.lane_connections(roles), strict=True
            )
        ]
        schedule = Schedule(lanes, self._lab.monitor)
        found: list[str] = []

        async def check() -> None:
            if not found and len(schedule.choices) > checked:
                snapshot = await take_snapshot(self._lab.admin, trial.tenant_id, trial.timezone)
                found.extend([*violations(snapshot), *await self._further(trial, is_end=False)])

        try:
            with self._mutant.patch():
                await schedule.run(choose, check)
        except RedundantError:
            report.redundant += 1
            return
        report.schedules += 1
        report.deadlocks += sum("Deadlock" in step.error for step in schedule.steps)
        found += [f"{lane.name} failed: {lane.error!r}" for lane in lanes if lane.error]
        found += await self._at_the_end(trial)
        if found:
            report.found = found
            report.choices = "".join(map(str, schedule.choices))
            report.steps = schedule.steps

    async def _at_the_end(self, trial: Trial) -> list[str]:
        """After all marks are worked off, nothing is wrong and nothing waits."""
        await drain(self._lab.worker, trial.tenant_id, trial.timezone)
        snapshot = await take_snapshot(self._lab.admin, trial.tenant_id, trial.timezone)
        wrong = [*violations(snapshot), *await self._further(trial, is_end=True)]
        found = [f"in the end: {each}" for each in wrong]
        if not snapshot.is_drained:
            found.append("marks are left after draining")
        return found

    async def _further(self, trial: Trial, *, is_end: bool) -> list[str]:
        further = self._scenario.further
        return [] if further is None else await further(trial, is_end)

    async def _trial(self) -> Trial:
        scenario = self._scenario
        if self._original is None:
            tenant_id = await self._lab.make_tenant(scenario.timezone)
            self._original = tenant_id, await scenario.prepare(self._lab, tenant_id)
        original, known = self._original
        copy = await self._lab.copy_tenant(original)
        return Trial(self._lab, copy, known, scenario.timezone)

    def _lane(self, trial: Trial, session: Session, connection: Any) -> Lane:
        return Lane(
            session.name, connection, lambda pool: session.work(trial, pool), self._mutant.rewrite
        )
