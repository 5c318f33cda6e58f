"""House rules that no linter knows, as functions from a module's syntax to what breaks them."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Rule = Callable[[ast.Module], Iterator["Finding"]]


@dataclass(frozen=True)
class Finding:
    line: int
    what: str


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of names; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (rest := dotted(node.value)):
        return f"{rest}.{node.attr}"
    return ""


def docstrings(tree: ast.Module) -> set[int]:
    """The nodes that only document."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
    return found


def tenant_is_set(tree: ast.Module) -> Iterator[Finding]:
    """The bug: a tenant set for a session, or twice in a transaction, shows another one's rows."""
    documenting = docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = node.value.lower()
        if id(node) not in documenting and ("csapi.tenant_id" in text or "set_config" in text):
            yield Finding(node.lineno, "sets the tenant of a transaction")


CLOCKS = {
    f"{module}{name}"
    for name in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
    for module in ("", "datetime.", "dt.")
} | {"time.time", "time.time_ns"}


def clock_is_read(tree: ast.Module) -> Iterator[Finding]:
    """The bug: what reads the clock itself cannot be tested at another time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in CLOCKS:
            yield Finding(node.lineno, dotted(node))
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            for name in node.names:
                if name.name in ("time", "time_ns"):
                    yield Finding(node.lineno, f"time.{name.name}")


def pool_is_asked(tree: ast.Module) -> Iterator[Finding]:
    """The bug: without the timeout of kit.db.acquire a full pool keeps requests waiting."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = dotted(node.func.value).lower()
            if node.func.attr in ("acquire", "release") and "pool" in owner:
                yield Finding(node.lineno, f"{dotted(node.func)}()")
            elif node.func.attr in QUERIES and owner.endswith("pool"):
                yield Finding(node.lineno, f"{dotted(node.func)}(), which takes a connection")


QUERIES = {"execute", "executemany", "fetch", "fetchrow", "fetchval"}
SQL_TAKERS = QUERIES | {"Statement", "exec_driver_sql", "cursor"}

# What a declaration names, never a request: tables, columns, roles, and text made of those.
DECLARED = {
    "arguments", "column", "columns", "conditions", "kind", "known", "quoted", "resource", "role",
    "rows", "slot", "table",
}  # fmt: skip
PLAIN_CALLS = {"int", "len", "sorted"}


def sql_is_composed(tree: ast.Module) -> Iterator[Finding]:
    """The bug: a value of a request inside the text of a statement is SQL injection."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
        if name in SQL_TAKERS:
            for part in interpolated(node.args[0]):
                if not is_declared(part):
                    yield Finding(node.lineno, f"{name}() with {ast.unparse(part)} in its text")


def interpolated(text: ast.expr) -> Iterator[ast.expr]:
    """The expressions that are put into a text by f-string, +, % or format()."""
    if isinstance(text, ast.JoinedStr):
        for part in text.values:
            if isinstance(part, ast.FormattedValue):
                yield part.value
    elif isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add | ast.Mod):
        for side in (text.left, text.right):
            yield from interpolated(side) if is_text(side) else iter((side,))
    elif (
        isinstance(text, ast.Call)
        and isinstance(text.func, ast.Attribute)
        and text.func.attr == "format"
    ):
        yield from text.args
        yield from (keyword.value for keyword in text.keywords)


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp)


def is_declared(node: ast.expr) -> bool:
    """Whether an expression is made of constants and of declared names only."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id.isupper() or node.id in DECLARED
    if isinstance(node, ast.Attribute | ast.Subscript):
        return is_declared(node.value)
    if not isinstance(node, ast.Call):
        return False
    if dotted(node.func) == "arguments.add":  # a placeholder: the value never enters the text
        return True
    plain = dotted(node.func) in PLAIN_CALLS
    method = isinstance(node.func, ast.Attribute) and is_declared(node.func.value)
    return (plain or method) and all(map(is_declared, node.args))
