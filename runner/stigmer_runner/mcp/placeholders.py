"""`${NAME}` and `{{NAME}}`: values of the run's environment, filled in just before they are used and kept nowhere."""

import re
from collections.abc import Mapping

from stigmer_runner.errors import RunnerError

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


class ValueMissing(RunnerError):
    """A value that is to be filled in is not there, or may not stand where it is wanted."""


def names_in(text: str) -> tuple[str, ...]:
    """The names that `text` wants filled in, each once."""
    return tuple(dict.fromkeys(one or other for one, other in _PLACEHOLDER.findall(text)))


def filled(text: str, values: Mapping[str, str], where: str) -> str:
    """`text` with its values. What is filled in is not looked at again. Raises `ValueMissing`; no value is in its words."""

    def value(found: "re.Match[str]") -> str:
        name = found.group(1) or found.group(2)
        if name not in values:
            raise ValueMissing(
                f"{where} wants the value {name}, which this run does not have: set it in the agent's environment, "
                f"or give it with the run (`stigmer run --env {name}=...`, `--secret {name}` for a secret)"
            )
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def filled_in_arguments(text: str, values: Mapping[str, str], secrets: frozenset[str], where: str) -> str:
    """The same for an argument of a program, which every user of the machine may read: no secret is filled in there."""
    hidden = [name for name in names_in(text) if name in secrets]
    if hidden:
        raise ValueMissing(
            f"{where} wants the secret {hidden[0]} in an argument, where others can read it: "
            f"give it to the server as a variable of its environment"
        )
    return filled(text, values, where)
