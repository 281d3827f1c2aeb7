"""Checks how a person wants an execution to run."""

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.executions.attaching import check_size
from stigmer_backend.resources.text import quoted, refused_character

_VARIABLES = frozenset({"LANG", "TERM", "COLORTERM", "TZ"})
_VALUE_LIMIT = 1024
_PATH_LIMIT = 64 << 10


def check_options(options: RunOptions) -> None:
    """Raise `InvalidArgument` for options that cannot be meant. The workspace is looked at elsewhere."""
    client = options.client
    check_size(client.columns, client.rows)
    if len(client.path) > _PATH_LIMIT or refused_character(client.path):
        raise _refused("spec.options.client.path", "PATH of the client is too long or holds control characters")
    for name, value in client.variables.items():
        if name not in _VARIABLES and not name.startswith("LC_"):
            raise _refused(
                "spec.options.client.variables",
                f"the variable {quoted(name)} is not taken from a client: only LANG, LC_*, TERM, COLORTERM and TZ are",
            )
        if len(value) > _VALUE_LIMIT or refused_character(name + value):
            raise _refused(
                "spec.options.client.variables", f"the value of {quoted(name)} is too long or holds control characters"
            )
    timeout = options.command_timeout
    if options.HasField("command_timeout") and (timeout.seconds, timeout.nanos) <= (0, 0):
        raise _refused("spec.options.command_timeout", "a command needs more than no time at all")


def _refused(field: str, what: str) -> InvalidArgument:
    return InvalidArgument(what, violations=[FieldViolation(field, "stigmer.options", what)])
