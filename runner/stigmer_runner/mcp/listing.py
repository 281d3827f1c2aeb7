"""The tools that a server lists: untrusted names, descriptions and schemas, checked, bounded, and told apart by hash."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from stigmer_runner.mcp.naming import model_name, policy_name
from stigmer_runner.models.port import ToolSpec
from stigmer_runner.policy.showing import shown

MOST_TOOLS = 256
LONGEST_NAME = 128
LONGEST_DESCRIPTION = 4096
"""Characters of a description that a model is told."""
LARGEST_SCHEMA = 64 * 1024
"""Bytes."""
DEEPEST_SCHEMA = 24


@dataclass(frozen=True)
class Listed:
    """One tool as its server lists it."""

    name: str
    description: str
    schema: Mapping[str, object]

    @property
    def hash(self) -> str:
        """SHA-256 over description and schema."""
        told = json.dumps([self.description, self.schema], sort_keys=True)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def spec(self, server: str) -> ToolSpec:
        """As a model is told: whose words they are, and never as an instruction."""
        words = shown(self.description.strip())
        if len(words) > LONGEST_DESCRIPTION:
            words = f"{words[:LONGEST_DESCRIPTION]}… [{len(words) - LONGEST_DESCRIPTION} characters left out]"
        told = f"[{policy_name(server, self.name)}; described by the server itself] {words}"
        return ToolSpec(model_name(server, self.name), told, {"type": "object", "properties": {}, **self.schema})


@dataclass(frozen=True)
class Listing:
    """What a server offers."""

    tools: tuple[Listed, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out, and why, for the person."""

    @property
    def hashes(self) -> Mapping[str, str]:
        """By name."""
        return {tool.name: tool.hash for tool in self.tools}


def checked(given: Iterable[Listed]) -> Listing:
    """The tools that can be used. What a server lists twice, or too large, is left out and told."""
    tools: dict[str, Listed] = {}
    notes: list[str] = []
    for tool in given:
        wrong = _wrong(tool, tools)
        if wrong:
            notes.append(f"its tool {shown(tool.name[:LONGEST_NAME])!r} {wrong}")
        else:
            tools[tool.name] = tool
        if len(notes) >= MOST_TOOLS:
            notes.append("and more")
            break
    return Listing(tuple(tools.values()), tuple(notes))


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> Sequence[str]:
    """What changed in a listing, in words for the person."""
    words = (
        ("new", sorted(now.keys() - before.keys())),
        ("gone", sorted(before.keys() - now.keys())),
        ("described otherwise", sorted(name for name in now.keys() & before.keys() if now[name] != before[name])),
    )
    return [f"{what}: {shown(', '.join(names[:20]))}" for what, names in words if names]


def _wrong(tool: Listed, before: Mapping[str, Listed]) -> str:
    """Why a tool cannot be used; empty where it can."""
    if tool.name in before:
        return "is listed twice: the first one counts"
    if len(before) >= MOST_TOOLS:
        return f"is one too many: at most {MOST_TOOLS} are taken"
    if not tool.name or len(tool.name) > LONGEST_NAME or not tool.name.isprintable():
        return f"has no name that can be used: 1 to {LONGEST_NAME} characters that can be shown"
    try:
        size = len(json.dumps(tool.schema))
    except (ValueError, RecursionError):
        return "has a schema that cannot be read"
    if size > LARGEST_SCHEMA or _depth(tool.schema) > DEEPEST_SCHEMA:
        return (
            f"has a schema that is too large: {size} bytes, and {LARGEST_SCHEMA} in {DEEPEST_SCHEMA} levels are taken"
        )
    if tool.schema.get("type", "object") != "object":
        return "takes no object as its arguments"
    return ""


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= DEEPEST_SCHEMA:
        depth += 1
        inner: list[object] = []
        for each in level:
            if isinstance(each, Mapping):
                inner.extend(cast(Mapping[object, object], each).values())
            elif isinstance(each, list):
                inner.extend(cast(list[object], each))
        level = inner
    return depth
