"""The variables of an execution, as far as a command can be given them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionValue
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


def checked_values(values: Mapping[str, ExecutionValue]) -> RunValues:
    """`values`, where every command can be given them. Raises `ValuesUnfit`, with names and sizes alone."""
    every = {name: value.value for name, value in values.items()}
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
    return RunValues(every, {name: every[name] for name, value in values.items() if value.is_secret})
