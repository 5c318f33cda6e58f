"""Threads: rows that answer each other by id belong to the row at the top."""

from csapi.connect.mapping.errors import CellError, MappingError, unknown
from csapi.connect.mapping.row import NUMBER, TEXT, Row, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table

ROOT, PLACE = "root", "place"


class Thread:
    """The parents of all rows of a file. It has to be read once before the first row is mapped."""

    def __init__(self, own: Value, parent: Value) -> None:
        self._own = own
        self._parent = parent
        self._parents: dict[str, str | None] = {}

    def learn(self, row: Row) -> None:
        """Rows whose ids cannot be read are left to be rejected when they are mapped."""
        try:
            name, parent = self._own.get(row), self._parent.get(row)
        except CellError:
            return
        if name is not None:
            self._parents[str(name)] = None if parent is None else str(parent)

    def root(self, row: Row) -> str | None:
        """The id of the topmost row above: a parent that is not in the file is nobody."""
        name = self._own.get(row)
        if name is None:
            return None
        top = str(name)
        below: dict[str, None] = {}
        while (parent := self._parents.get(top)) is not None and parent in self._parents:
            below[top] = None
            if parent in below:
                raise CellError("invalid_value", f"{name} is in a circle of parents")
            top = parent
        # Rows below then find the top in one step.
        self._parents.update(dict.fromkeys(below, top))
        return top

    def place(self, row: Row) -> str | None:
        name = self._own.get(row)
        return None if name is None else "root" if self.root(row) == str(name) else "reply"


def read_threads(scope: Scope, top: Table) -> dict[str, Thread]:
    """[threads]: each has the id of a row and the id of its parent."""
    data = top.data.get("threads", {})
    tables = Table(data, "threads", data if isinstance(data, dict) else ())
    found = {}
    for name in tables.data:
        table = Table(tables.data[name], f"threads.{name}", ("id", "parent"))
        values = []
        for key in ("id", "parent"):
            if key not in table:
                raise MappingError(table.place, f"needs {key}")
            value = scope.compile_value(scope, table.data[key], table.at(key))
            if value.kind not in (TEXT, NUMBER):
                raise table.error(key, f"needs a text, not a {value.kind}")
            values.append(value)
        found[name] = Thread(*values)
    return found


def thread_value(scope: Scope, table: Table) -> Value:
    name = table.text("thread")
    if name not in scope.threads:
        raise unknown(table.at("thread"), "thread", name, scope.threads)
    thread = scope.threads[name]
    part = table.choice("part", (ROOT, PLACE), ROOT)
    return Value(TEXT, thread.root if part == ROOT else thread.place)
