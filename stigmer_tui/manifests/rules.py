"""The contract's rules (`buf.validate`), checked here so that an error has a line. The server checks them again."""

from functools import cache

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from stigmer_apis.documents.problems import Problem
from stigmer_tui.manifests.binding import Spots
from stigmer_tui.manifests.kinds import ENVIRONMENT


def broken_rules(message: Message, source: str, spots: Spots, known: set[str]) -> list[Problem]:
    """Every rule that `message` breaks, but for fields in `known`, of which something was said already."""
    return [
        problem_at(source, spots, path, _words(violation))
        for violation in _validator().collect_violations(message)
        if not _tolerated(violation) and not _is_known(path := _path(violation), known)
    ]


def problem_at(source: str, spots: Spots, path: str, what: str, remedy: str = "") -> Problem:
    """Something about the field at `path` of a message, with its place in the file."""
    spot, rest = spots.find(path)
    field = ".".join(part for part in (spot.shown, _camel(rest)) if part)
    return Problem(source, spot.place.line, spot.place.column, what, field, remedy)


@cache
def _validator() -> Validator:
    return Validator()


def _words(violation: Violation) -> str:
    said = violation.proto.message
    return "this is required" if violation.proto.rule_id == "required" else said


def _is_known(path: str, known: set[str]) -> bool:
    return any(path == bad or path.startswith((f"{bad}.", f"{bad}[")) or bad.startswith(f"{path}.") for bad in known)


def _tolerated(violation: Violation) -> bool:
    """Whether the contract's own mistake is met: its rule on `environment_refs` asks for 52, while an environment's kind is 53."""
    value: object = violation.field_value
    return violation.proto.rule_id == "environment_refs.kind" and getattr(value, "kind", 0) == ENVIRONMENT.number


def _path(violation: Violation) -> str:
    path = ""
    for element in violation.proto.field.elements if violation.proto.field is not None else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            path += f"[{element.subscript.value!r}]"
    return path


def _camel(path: str) -> str:
    """A path as a document of ours would spell it."""
    head, *rest = path.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
