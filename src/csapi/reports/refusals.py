"""Refusing a question by the place that is wrong with it."""

from collections.abc import Sequence
from typing import NoReturn

from csapi.kit.problems import FieldError, invalid


def refuse(pointer: str, code: str, message: str, allowed: Sequence[str] | None = None) -> NoReturn:
    raise invalid(FieldError(pointer, code, message, None if allowed is None else list(allowed)))
