"""The fields that mappings are checked against are those of the API's items."""

from pathlib import Path

import msgspec
import pytest

from csapi.connect.mapping.mapping import read_mapping
from csapi.connect.mapping.shapes import OPEN_FIELDS, SHAPES, key_field
from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS

KINDS = {kind.name: kind.item for kind in (*RECORD_KINDS, EVENTS)}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "mappings"


def paths(item: type, prefix: str = "") -> set[str]:
    """`legs`, `legs[]`, `legs[].agent` for a struct with a list of structs."""
    found = set()
    for field in msgspec.structs.fields(item):
        path = prefix + field.encode_name
        found.add(path)
        for part in _parts(msgspec.inspect.type_info(field.type)):
            if isinstance(part, msgspec.inspect.StructType):
                found |= paths(part.cls, f"{path}.")
            if isinstance(part, msgspec.inspect.ListType):
                found.add(f"{path}[]")
                if isinstance(part.item_type, msgspec.inspect.StructType):
                    found |= paths(part.item_type.cls, f"{path}[].")
    return found


def _parts(described: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, ...]:
    if isinstance(described, msgspec.inspect.UnionType):
        return described.types
    return (described,)


def test_every_resource_has_a_shape() -> None:
    assert set(SHAPES) == set(KINDS)


@pytest.mark.parametrize("resource", SHAPES)
def test_a_shape_is_that_of_the_item(resource: str) -> None:
    item = KINDS[resource]
    assert set(SHAPES[resource].fields) == paths(item)
    required = {field.encode_name for field in msgspec.structs.fields(item) if field.required}
    assert set(SHAPES[resource].required) == required
    assert key_field(resource) in required
    dicts = {
        field.encode_name
        for field in msgspec.structs.fields(item)
        if isinstance(msgspec.inspect.type_info(field.type), msgspec.inspect.DictType)
    }
    assert dicts <= set(OPEN_FIELDS)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_our_own_mappings_can_be_read(path: Path) -> None:
    mapping = read_mapping(path)
    assert set(mapping.resources) <= set(SHAPES)
