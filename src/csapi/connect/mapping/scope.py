"""What a mapping refers to: columns of the file, named values, and the file-wide defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from csapi.connect.mapping.columns import Columns
from csapi.connect.mapping.errors import MappingError, unknown
from csapi.connect.mapping.row import UNSET, Nulls, Row, Value
from csapi.connect.mapping.table import Table
from csapi.connect.mapping.zones import AMBIGUOUS, NONEXISTENT, LocalTimes, load_zone


class Scope:
    """Resolves names while a mapping is compiled. `compile_value` breaks an import circle."""

    def __init__(
        self,
        top: Table,
        columns: Columns,
        compile_value: Callable[["Scope", object, str], Value],
    ) -> None:
        self.columns = columns
        self.compile_value = compile_value
        self.nulls: Nulls = frozenset(["", None, *top.texts("null")])
        self.trim = top.flag("trim", default=True)
        self._top = top
        self.threads: Mapping[str, Any] = {}
        self._clocks: dict[tuple[str, str, str], LocalTimes] = {}
        values = top.data.get("values", {})
        self._named = Table(values, "values", values if isinstance(values, dict) else ()).data
        self._compiled: dict[str, Value] = {}
        self._open: list[str] = []
        for name in self._named:
            if columns.names is not None and name in columns.names:
                message = "is also a column of the file; take another name"
                raise MappingError(f"values.{name}", message, name)

    @property
    def has_zone(self) -> bool:
        return "zone" in self._top

    @property
    def named_count(self) -> int:
        return len(self._named)

    @property
    def raw_at(self) -> int:
        """Where the row as it was read is in a row. From the end: cells are still being added."""
        return -self.named_count - 1

    def is_named(self, name: str) -> bool:
        return name in self._named

    def named(self, place: str, name: str) -> Value:
        """A value of [values], computed once per row, when it is first needed."""
        if name not in self._named:
            raise unknown(place, "value", name, self._named)
        if name in self._open:
            raise MappingError(place, f"{' -> '.join([*self._open, name])} goes round in circles")
        if name not in self._compiled:
            self._open.append(name)
            value = self.compile_value(self, self._named[name], f"values.{name}")
            self._open.pop()
            slot = list(self._named).index(name) - self.named_count
            self._compiled[name] = Value(value.kind, _once(value.get, slot))
        return self._compiled[name]

    def clock(self, table: Table) -> LocalTimes:
        """Local times by the table's own zone settings, else by the file's."""
        zone_from = table if "zone" in table else self._top
        if "zone" not in zone_from:
            message = "local times need a zone: set zone, here or at the top of the mapping"
            raise MappingError(table.place, message)
        name = zone_from.text("zone")
        ambiguous = self._policy(table, "ambiguous", AMBIGUOUS)
        nonexistent = self._policy(table, "nonexistent", NONEXISTENT)
        key = (name, ambiguous, nonexistent)
        if key not in self._clocks:
            zone = load_zone(zone_from.at("zone"), name)
            self._clocks[key] = LocalTimes(zone, ambiguous, nonexistent)
        return self._clocks[key]

    def _policy(self, table: Table, key: str, allowed: tuple[str, ...]) -> str:
        return (table if key in table else self._top).choice(key, allowed, "reject")


def _once(compute: Callable[[Row], Any], slot: int) -> Callable[[Row], Any]:
    def get(row: Row) -> Any:
        value = row[slot]
        if value is UNSET:
            value = row[slot] = compute(row)
        return value

    return get
