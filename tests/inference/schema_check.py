"""A small reader of JSON Schema: the keywords that our schema uses, and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}
_SAID_ONLY = {"$schema", "$defs", "title", "description"}
_KNOWN = _SAID_ONLY | {
    "$ref", "anyOf", "type", "enum", "const", "required", "properties", "additionalProperties", "items",
    "minItems", "maxItems", "exclusiveMinimum", "minLength", "minimum", "maximum", "pattern",
}  # fmt: skip


def problems(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "$") -> list[str]:
    """Return a line for everything that the schema forbids."""
    unknown = set(schema) - _KNOWN
    assert not unknown, f"{at}: this reader does not know {unknown}"
    if "$ref" in schema:
        return problems(value, _pointed(root, schema["$ref"]), root, at)
    if "anyOf" in schema:
        tried = [problems(value, choice, root, at) for choice in schema["anyOf"]]
        return [] if [] in tried else min(tried, key=len)
    found = _of_value(value, schema, at)
    if isinstance(value, dict):
        found += _of_object(value, schema, root, at)
    if isinstance(value, list):
        found += [f"{at}: too short"] if len(value) < schema.get("minItems", 0) else []
        found += [f"{at}: too long"] if len(value) > schema.get("maxItems", len(value)) else []
        for number, item in enumerate(value):
            found += problems(item, schema.get("items", {}), root, f"{at}[{number}]")
    return found


def _of_value(value: Any, schema: Mapping[str, Any], at: str) -> list[str]:
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if wanted is not None and not any(_is(value, kind) for kind in wanted):
        return [f"{at}: {value!r} is no {' or '.join(wanted)}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if _is(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{at}: {value} is out of range")
    if _is(value, "number") and "exclusiveMinimum" in schema and not value > schema["exclusiveMinimum"]:
        found.append(f"{at}: {value} is out of range")
    if isinstance(value, str) and not _fits(value, schema):
        found.append(f"{at}: {value!r} does not fit")
    return found


def _fits(text: str, schema: Mapping[str, Any]) -> bool:
    return len(text) >= schema.get("minLength", 0) and bool(re.search(schema.get("pattern", ""), text))


def _of_object(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> list[str]:
    own, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    for name, item in value.items():
        if name in own:
            found += problems(item, own[name], root, f"{at}.{name}")
        elif others is False:
            found.append(f"{at}.{name} is not known")
        elif others is not True:
            found += problems(item, others, root, f"{at}.{name}")
    return found


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _pointed(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
