import re

from csapi.connect.mapping.errors import MappingError

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]{1,2}\])*")
_STEP = re.compile(r"[A-Za-z0-9_-]+")


def split_path(place: str, path: str) -> list[str | int]:
    """`legs[0].talk_seconds` as ["legs", 0, "talk_seconds"]."""
    if _PATH.fullmatch(path) is None:
        message = f"{path!r} is not a path such as name, custom.name or legs[0].name"
        raise MappingError(place, message, path)
    return [int(step) if step.isdigit() else step for step in _STEP.findall(path)]
