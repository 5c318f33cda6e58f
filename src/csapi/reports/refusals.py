"""Refusing a question by the place that is wrong with it."""

from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from csapi.kit.problems import FieldError, Problem, invalid


def refuse(pointer: str, code: str, message: str, allowed: Sequence[str] | None = None) -> NoReturn:
    raise invalid(FieldError(pointer, code, message, None if allowed is None else list(allowed)))


def too_slow() -> Problem:
    return Problem(
        "query_timeout",
        "The database stopped the query after its time limit: ask for a shorter range, fewer "
        "metrics or dimensions, or filter. GET /v1/limits names the limit; POST /v1/exports has "
        "more time.",
    )


def definition_changing() -> Problem:
    return Problem(
        "definition_changing",
        "The facts of this metric are being derived by a changed definition, and some are still of "
        "the earlier one. GET /v1/metrics/{id}/versions says how far that is.",
    )


def moved(problem: Problem, place: Callable[[str], str]) -> Problem:
    """The same problem with other places: what was asked for was made from something else."""
    errors = [
        msgspec.structs.replace(error, pointer=place(error.pointer)) for error in problem.errors
    ]
    return Problem(problem.code, problem.detail, errors=errors, headers=problem.headers)


def within(problem: Problem, place: str) -> Problem:
    """The problem of a part of the body, with pointers that start at the whole of it."""
    return moved(problem, lambda pointer: place + pointer)
