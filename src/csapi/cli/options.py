"""Options that several commands share, and how they print what they found."""

from collections.abc import Mapping, Sequence

import click

tenant_option = click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
json_lines_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line."
)


def lines_of(fields: Mapping[str, object]) -> str:
    """A line for each field: its name in words, and its value in a column."""
    width = max(map(len, fields), default=0) + 2
    return "\n".join(
        f"{name.replace('_', ' '):{width}}{'-' if value is None else value}"
        for name, value in fields.items()
    )


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
