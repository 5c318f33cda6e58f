"""Of keyed rows those that are in one cell of an answer. Pure."""

from csapi.kit.db import Arguments
from csapi.metrics.question import Cell


def inside(keyed: str, cell: Cell | None, arguments: Arguments) -> str:
    """The rows of `keyed`, which have the keys of the cell's groups as g0.., that are in the cell;
    without one all of them."""
    if cell is None or not cell.keys:
        return keyed
    tests = []
    for number, keys in enumerate(cell.keys):
        known = arguments.add([key for key in keys if key is not None], "bigint[]")
        nothing = f" OR g{number} IS NULL" if None in keys else ""
        tests.append(f"(g{number}::bigint = ANY ({known}){nothing})")
    return f"SELECT * FROM ({keyed}) AS placed WHERE {' AND '.join(tests)}"
