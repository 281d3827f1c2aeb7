"""The variables of an execution, as far as a command can be given them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import GetExecutionContextResponse
from stigmer_runner.errors import ValuesUnfit

LONGEST_VARIABLE: Final = 128 * 1024
"""What Linux takes of one variable, name and all: MAX_ARG_STRLEN in execve(2)."""
LONGEST_TOGETHER: Final = 1024 * 1024
"""What is left for all of them: a quarter of the usual stack limit is 2 MiB, and arguments need room beside."""


@dataclass(frozen=True)
class RunValues:
    """The variables of a run. Its text shows none of them."""

    every: Mapping[str, str] = field(repr=False)
    """For its commands."""
    secrets: Mapping[str, str] = field(repr=False)
    """Those of them that nothing may show."""
    of_servers: Mapping[str, Mapping[str, str]] = field(repr=False)
    """Secrets of MCP servers, by the id of the server and by name: for that server alone."""


def checked_values(answer: GetExecutionContextResponse) -> RunValues:
    """The daemon's answer, where every command and server can be given its values. Raises `ValuesUnfit`, with names and sizes alone."""
    values = answer.context.spec.data
    every = {name: value.value for name, value in values.items()}
    of_servers = {server: dict(secrets.values) for server, secrets in answer.server_secrets.items()}
    for given in (every, *of_servers.values()):
        _check(given)
    return RunValues(every, {name: every[name] for name, value in values.items() if value.is_secret}, of_servers)


def _check(every: Mapping[str, str]) -> None:
    sizes = {name: len(name) + len(value.encode("utf-8", "surrogateescape")) + 2 for name, value in every.items()}
    for name, size in sizes.items():
        if size > LONGEST_VARIABLE:
            raise ValuesUnfit(
                f"the variable {name!r} has {size} bytes, and a command takes at most {LONGEST_VARIABLE} in one: "
                "keep what is so large in a file, and its path in the variable"
            )
    together = sum(sizes.values())
    if together > LONGEST_TOGETHER:
        raise ValuesUnfit(
            f"the {len(sizes)} variables of this run have {together} bytes, and commands take at most {LONGEST_TOGETHER}: "
            "keep large ones in files"
        )
