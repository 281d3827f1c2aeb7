"""Files for a person, written without ever overwriting one."""

from pathlib import Path

import click

from stigmer_tui.cli.exit_codes import ExitCode


class CannotWrite(click.ClickException):
    """A file that is there already, or that cannot be written."""

    exit_code = ExitCode.CONFLICT


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises `CannotWrite`."""
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError as error:
        raise CannotWrite(f"{path} is there already, and was left as it is") from error
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error
