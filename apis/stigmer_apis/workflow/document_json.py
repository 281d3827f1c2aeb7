"""Documents as one JSON text: what is handed to whoever runs them. No file is read, and no YAML."""

import json
import re
from typing import TypeAlias

from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.reading import read_node

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""Plain data."""

_DECIMAL = re.compile(r"[-+]?(0|[1-9]\d*)")


class DocumentBroken(ValueError):
    """A document does not say what a document says; the message names all that is wrong with it."""


def to_json(node: Node) -> str:
    """A document's nodes as JSON text."""
    return json.dumps(to_data(node), ensure_ascii=False, separators=(",", ":"))


def workflow_of_json(text: str, source: str = "the document", *, published: bool = False) -> Workflow:
    """The workflow that a JSON text holds. Raises `DocumentBroken`. What it means was checked before: see `checking`."""
    try:
        data: Json = json.loads(text)
        reading = read_node(source, of_data(data), published=published)
    except (ValueError, RecursionError) as error:
        raise DocumentBroken(f"{source} is no JSON: {error}") from error
    if reading.workflow is None or reading.problems:
        raise DocumentBroken("; ".join(f"{problem.what} ({problem.field})" for problem in reading.problems))
    return reading.workflow


def workflow_of_run(document_json: str) -> Workflow | None:
    """The document that a run's status has; None where it has none, or one that this version cannot read. Nothing is checked anew."""
    for published in (False, True):
        try:
            return workflow_of_json(document_json, published=published)
        except DocumentBroken:
            continue
    return None


def to_data(node: Node) -> Json:
    """Nodes as plain data."""
    match node:
        case MapNode(entries=entries):
            return {entry.key: to_data(entry.value) for entry in entries}
        case ListNode(items=items):
            return [to_data(item) for item in items]
        case Scalar():
            return scalar_data(node)


def scalar_data(scalar: Scalar) -> Json:
    """A scalar by the type that it has in YAML's core types; what readers disagree about stays text."""
    text = scalar.text
    match scalar.type:
        case ScalarType.TEXT | ScalarType.ODD:
            return text
        case ScalarType.INTEGER:
            return int(text) if _DECIMAL.fullmatch(text) else int(text, 0)
        case ScalarType.FLOAT:
            return _float(text)
        case ScalarType.BOOLEAN:
            return text.lower() in ("true", "yes", "on")
        case ScalarType.NULL:
            return None


def _float(text: str) -> Json:
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) != float("inf") and value == value else text


def of_data(data: Json) -> Node:
    """Plain data as nodes. None has a place in a file; each has a place of its own all the same, since places tell parts apart."""
    place = Place(0, 0)
    match data:
        case dict():
            return MapNode(place, tuple(Entry(Place(0, 0), key, of_data(value)) for key, value in data.items()))
        case list():
            return ListNode(place, tuple(of_data(value) for value in data))
        case bool():
            return Scalar(place, ScalarType.BOOLEAN, "true" if data else "false")
        case int():
            return Scalar(place, ScalarType.INTEGER, str(data))
        case float():
            return Scalar(place, ScalarType.FLOAT, repr(data))
        case None:
            return Scalar(place, ScalarType.NULL, "")
        case str():
            return Scalar(place, ScalarType.TEXT, data)
