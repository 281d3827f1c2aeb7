"""A run into a file: a page to read, all its events, or a recording of its terminals, as the file's name says."""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from stigmer_apis.errors import AlreadyExists, InvalidArgument, StigmerError
from stigmer_apis.slugs import slugify
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text.times import size
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.transcript_view import TranscriptView

LONGEST_NAME = 40
NAMES = ".md .html .json, or .cast for its terminals"


class Exporting:
    """Between the line into which the name is written, the server and the file."""

    def __init__(self, workstation: Workstation, state: Callable[[], RunState]) -> None:
        self._workstation = workstation
        self._state = state
        self._view: LogView | None = None
        self._execution_id = ""
        self.line = PromptLine(f"the file to write the run to: {NAMES}", self._left, id="export")

    def ask(self, view: LogView) -> None:
        """Have the name of a file written for the run that is under the cursor."""
        state = self._state()
        block = view.current if isinstance(view, TranscriptView) else None
        self._execution_id = (block.run if block is not None else "") or state.execution_id
        if not self._execution_id:
            self._workstation.say("There is no run yet.")
            return
        self._view = view
        name = slugify(state.subject)[:LONGEST_NAME].strip("-") or self._execution_id
        self.line.value = str(Path.cwd() / f"{name}.md")
        self.line.display = True
        view.screen.set_focus(self.line)

    def _left(self, accepted: bool) -> None:
        self.line.display = False
        self.line.screen.set_focus(self._view)
        written = self.line.value.strip()
        if accepted and written:
            path = Path(written).expanduser().absolute()
            self._workstation.run_worker(partial(self._export, self._execution_id, path), exit_on_error=False)

    async def _export(self, execution_id: str, path: Path) -> None:
        from stigmer_tui.records.writing import FORM_OF_SUFFIX, write_run

        form = FORM_OF_SUFFIX.get(path.suffix.lower())
        try:
            if form is None:
                raise InvalidArgument(f"{path.name} does not say what is to be written", remedy=f"end it with {NAMES}")
            client = await self._workstation.client()
            with _written_whole(path) as file:
                await write_run(client, execution_id, file, form)
                written = file.tell()
        except StigmerError as error:
            self._workstation.say_error(error)
        except FileExistsError:
            self._workstation.say_error(AlreadyExists(f"{path} is there already", remedy="choose another name"))
        except OSError as error:
            reason = f"{path} cannot be written: {error.strerror}"
            self._workstation.say_error(InvalidArgument(reason, remedy="choose another place"))
        else:
            self._workstation.say(f"Exported {size(written)} to {path}")


@contextmanager
def _written_whole(path: Path) -> Generator[BinaryIO]:
    """A new file that gets its name at the end of the block; an error in the block leaves nothing. Raises OSError."""
    if os.path.lexists(path):
        raise FileExistsError
    hidden = path.with_name(f".stigmer-{secrets.token_hex(8)}")
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.link(hidden, path, follow_symlinks=False)
    finally:
        hidden.unlink(missing_ok=True)
