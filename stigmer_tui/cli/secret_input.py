"""How a secret comes in: from standard input or a masked prompt, never from the command line."""

import base64
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from stigmer_apis.errors import FailedPrecondition, InvalidArgument

MOST_BYTES: Final = 1 << 20
"""A secret is at most 1 MiB."""
VARIABLE_PREFIX: Final = "STIGMER_SECRET_"
"""`--secret NAME` of `stigmer run` is taken from this variable of its environment, where it is set."""


def read_secret(prompt: str, *, as_base64: bool = False) -> bytes:
    """A secret from standard input, or, where that is a terminal, from a person who types it unseen.

    A single line loses its line end; several lines are kept to the byte. `as_base64`: any bytes, encoded so that a variable can carry them.
    Raises `InvalidArgument` where there is none, or more than 1 MiB.
    """
    if sys.stdin.isatty():
        return encoded(ask_masked(prompt).encode(), as_base64)
    read = sys.stdin.buffer.read(MOST_BYTES + 2)
    if as_base64:
        return encoded(read, as_base64)
    return one_line_without_its_end(read)


def ask_masked(prompt: str) -> str:
    """What a person types, unseen. Raises `click.Abort` at Ctrl+C and at the end of input."""
    value: object = click.prompt(prompt, hide_input=True, err=True)
    return str(value)


def ask_shown(prompt: str) -> str:
    """What a person types that is no secret. Raises `click.Abort` at Ctrl+C and at the end of input."""
    value: object = click.prompt(prompt, err=True)
    return str(value)


def one_line_without_its_end(read: bytes) -> bytes:
    """`read`, without the line end where it is one line. Raises `InvalidArgument` for nothing."""
    line = read.removesuffix(b"\n").removesuffix(b"\r")
    value = read if b"\n" in line else line
    if not value:
        raise InvalidArgument("there is no secret on standard input", remedy="pipe it in, or run this at a terminal")
    return value


def encoded(value: bytes, as_base64: bool) -> bytes:
    """`value`, in base64 where that is asked for."""
    return base64.b64encode(value) if as_base64 else value


def refuse_in_arguments(extra: Sequence[str], command: str) -> None:
    """Raise `click.UsageError` where something stands behind the name: a secret, perhaps, so it is not repeated."""
    if extra:
        raise click.UsageError(
            "a secret is never an argument: it would stand in the shell's history and in the list of processes.\n"
            f"If that was one, change it. Pipe it in, or run this alone and type it:  {command}"
        )


def check_name(name: str, command: str) -> None:
    """Raise `click.UsageError` for NAME=VALUE, without repeating it."""
    if "=" in name:
        refuse_in_arguments([name], command)


def secrets_of_run(names: Sequence[str], *, stdin_is_free: bool) -> dict[str, str]:
    """The values of `--secret NAME`: from `STIGMER_SECRET_NAME`, else, where it is one alone, from standard input, else asked for.

    `stdin_is_free`: nothing else reads standard input. Raises `FailedPrecondition` that names all variables that would help.
    """
    found = {name: os.environ[VARIABLE_PREFIX + name] for name in names if os.environ.get(VARIABLE_PREFIX + name)}
    left = [name for name in names if name not in found]
    if not left:
        return found
    if stdin_is_free and not sys.stdin.isatty() and len(left) == 1:
        return found | {left[0]: read_secret(left[0]).decode("utf-8", "surrogateescape")}
    if not stdin_is_free or not sys.stdin.isatty():
        wanted = ", ".join(VARIABLE_PREFIX + name for name in left)
        raise FailedPrecondition(
            f"there is no terminal to ask for {', '.join(left)}",
            remedy=f"set {wanted}, or pipe one secret in",
        )
    return found | {name: ask_masked(name) for name in left}
