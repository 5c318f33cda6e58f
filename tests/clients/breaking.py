"""What in a new document breaks programs that were written for an old one.

A field of an answer may come, never go; what a request asks for may become less, never more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
Schema = Mapping[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
# Limits whose growth, or whose fall, narrows what a request may hold.
FLOORS = ("minimum", "minLength", "minItems", "exclusiveMinimum", "minProperties")
CEILINGS = ("maximum", "maxLength", "maxItems", "exclusiveMaximum", "maxProperties")


def resolved(document: Document, node: Schema) -> Schema:
    while isinstance(ref := node.get("$ref"), str):
        found: Any = document
        for word in ref.removeprefix("#/").split("/"):
            found = found[word]
        node = found
    return node


@dataclass
class Comparison:
    """Two documents, and which pairs of schemas have been looked at: schemas may be recursive."""

    old: Document
    new: Document
    seen: set[tuple[str, str, bool]] = field(default_factory=set)

    def schema(self, old: Schema, new: Schema, where: str, *, sent: bool) -> Iterator[str]:
        """`sent`: it is part of a request. Otherwise of an answer."""
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"], sent)
            if pair in self.seen:
                return
            self.seen.add(pair)
        old, new = resolved(self.old, old), resolved(self.new, new)
        arms = [key for key in ("anyOf", "oneOf") if key in old or key in new]
        if arms:
            yield from self._arms(old, new, where, sent=sent)
            return
        if old.get("type") != new.get("type") or old.get("format") != new.get("format"):
            yield f"{where}: {_kind(old)} became {_kind(new)}"
            return
        yield from _values(old, new, where, sent=sent)
        yield from self._fields(old, new, where, sent=sent)
        for key in ("items", "additionalProperties"):
            first, second = old.get(key), new.get(key)
            if isinstance(first, Mapping) and isinstance(second, Mapping):
                yield from self.schema(first, second, f"{where}[]", sent=sent)
            elif sent and key == "additionalProperties" and second is False and first is not False:
                yield f"{where}: other fields are no longer taken"

    def _arms(self, old: Schema, new: Schema, where: str, *, sent: bool) -> Iterator[str]:
        before, after = self._named(self.old, old), self._named(self.new, new)
        lost = before.keys() - after.keys() if sent else after.keys() - before.keys()
        verb = "is no longer taken" if sent else "may come now"
        yield from (f"{where}: {kind} {verb}" for kind in sorted(lost))
        for kind in sorted(before.keys() & after.keys()):
            yield from self.schema(before[kind], after[kind], where, sent=sent)

    def _named(self, document: Document, node: Schema) -> dict[str, Schema]:
        """The arms of a union by what they hold; of anything else itself alone."""
        arms = node.get("anyOf") or node.get("oneOf") or [node]
        return {_kind(resolved(document, arm)): arm for arm in arms}

    def _fields(self, old: Schema, new: Schema, where: str, *, sent: bool) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{where}.{name}: is gone"
            else:
                yield from self.schema(before[name], after[name], f"{where}.{name}", sent=sent)
        asked, promised = set(new.get("required", ())), set(old.get("required", ()))
        if sent:
            yield from (f"{where}.{name}: is required now" for name in sorted(asked - promised))
        else:
            kept = (promised - asked) & after.keys()
            yield from (f"{where}.{name}: may be absent now" for name in sorted(kept))

    def operation(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: operationId {old['operationId']} became {new['operationId']}"
        if old.get("x-scope") != new.get("x-scope"):
            yield f"{where}: scope {old.get('x-scope')} became {new.get('x-scope')}"
        yield from self._parameters(old, new, where)
        first, second = old.get("requestBody"), new.get("requestBody")
        if second is not None and first is None and second.get("required"):
            yield f"{where}: a body is required now"
        if first is not None:
            yield from self._content(first, second or {}, f"{where} body", sent=True)
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{where}: {status} is gone"
                continue
            before = resolved(self.old, answer)
            after = resolved(self.new, new["responses"][status])
            yield from self._content(before, after, f"{where} {status}", sent=False)
            for header in before.get("headers", {}):
                if header not in after.get("headers", {}):
                    yield f"{where} {status}: the header {header} is gone"

    def _content(self, old: Schema, new: Schema, where: str, *, sent: bool) -> Iterator[str]:
        for media, declared in old.get("content", {}).items():
            if media not in new.get("content", {}):
                yield f"{where}: {media} is gone"
            else:
                after = new["content"][media]["schema"]
                yield from self.schema(declared["schema"], after, where, sent=sent)

    def _parameters(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        before, after = _parameters_of(old), _parameters_of(new)
        for key, parameter in before.items():
            name = f"{where} ?{key[1]}"
            if key not in after:
                yield f"{name}: is gone"
                continue
            yield from self.schema(parameter["schema"], after[key]["schema"], name, sent=True)
        for key, parameter in after.items():
            if parameter["required"] and not before.get(key, {}).get("required"):
                yield f"{where} ?{key[1]}: is required now"


def _parameters_of(operation: Schema) -> dict[tuple[str, str], Schema]:
    return {(each["in"], each["name"]): each for each in operation.get("parameters", ())}


def _kind(schema: Schema) -> str:
    """What a schema holds, in words that stay the same while its details change."""
    tag = schema.get("properties", {}).get("type", {}).get("const")
    parts = (schema.get("type", "anything"), schema.get("format"), schema.get("title"), tag)
    return " ".join(str(part) for part in parts if part)


def _values(old: Schema, new: Schema, where: str, *, sent: bool) -> Iterator[str]:
    before = old.get("enum", [old["const"]] if "const" in old else None)
    after = new.get("enum", [new["const"]] if "const" in new else None)
    if sent:
        if after is not None:
            lost = "any text" if before is None else sorted(set(before) - set(after))
            if lost:
                yield f"{where}: {lost} is no longer taken"
        yield from _narrowed(old, new, where)
    elif before is not None and after is None:
        yield f"{where}: may be any text now"


def _narrowed(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for key in (*FLOORS, *CEILINGS):
        before, after = old.get(key), new.get(key)
        if after is None:
            continue
        if before is None or (after > before if key in FLOORS else after < before):
            yield f"{where}: {key} {before} became {after}"
    if "pattern" in new and old.get("pattern") != new["pattern"]:
        yield f"{where}: the pattern became {new['pattern']}"


def breaking(old: Document, new: Document) -> list[str]:
    """Everything that breaks, in words; nothing if the new document keeps the old promises."""
    comparison = Comparison(old, new)
    found: list[str] = []
    for path, methods in old["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            where = f"{method.upper()} {path}"
            if method not in new["paths"].get(path, {}):
                found.append(f"{where}: is gone")
                continue
            found += comparison.operation(methods[method], new["paths"][path][method], where)
    for name, methods in old.get("webhooks", {}).items():
        if name not in new.get("webhooks", {}):
            found.append(f"webhook {name}: is gone")
            continue
        before = methods["post"]["requestBody"]
        after = new["webhooks"][name]["post"]["requestBody"]
        found += comparison._content(before, after, f"webhook {name}", sent=False)
    return found
