"""What a person does with a block of the transcript: copy, page, save, branch, retry, undo."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis.errors import AlreadyExists, InvalidArgument, StigmerError
from stigmer_tui.screens.run_menu import BlockMenu
from stigmer_tui.screens.steering import undo
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.clipboard import LONGEST
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.transcript.blocks import AgentText, Block, PersonLine, plain_text, untrusted_text
from stigmer_tui.transcript.layout import can_open
from stigmer_tui.transcript.markdown import markdown_of
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.transcript_view import TranscriptView

if TYPE_CHECKING:
    from stigmer_apis.client import Client

SHELL = "shell"
_TITLE_CELLS = 40
_NAMED_CELLS = 60


class BlockActions:
    """The menu of the block under the cursor, and what its items mean."""

    def __init__(
        self,
        workstation: Workstation,
        view: TranscriptView,
        state: Callable[[], RunState],
        compose: Callable[[str], None],
    ) -> None:
        """`compose` puts a text where one writes."""
        self._workstation = workstation
        self._view = view
        self._state = state
        self._compose = compose
        self._saving: Block | None = None
        self.line = PromptLine("the file to write", self._save_left, id="save")

    def menu(self) -> None:
        """Offer what can be done."""
        block = self._view.current
        if block is None:
            self._workstation.say("There is nothing here yet.")
            return
        text = safe(untrusted_text(block), lines=True).strip().split("\n")[0]
        title = fit(text, _TITLE_CELLS).strip()
        offered = {"block.fold": can_open(block)}
        if self._state().agent == SHELL:
            offered |= {"block.branch": False, "block.retry": False, "block.undo": False}
        menu = BlockMenu(title, lambda action: offered.get(action, True))

        def done(what: str | None) -> None:
            if what:
                self._do(what, block)

        self._workstation.push_screen(menu, done)

    def _do(self, what: str, block: Block) -> None:
        match what:
            case "copy":
                text = safe(untrusted_text(block), lines=True)
                self._workstation.copy(text[:LONGEST], what="the block", cut=len(text) > LONGEST)
            case "copy_markdown":
                text = safe(Untrusted(markdown_of(block)), lines=True)
                self._workstation.copy(text[:LONGEST], what="the block as Markdown", cut=len(text) > LONGEST)
            case "pager":
                self.page(block)
            case "fold":
                self._view.set_open(block, opened=not block.opened)
            case "to_composer":
                self._compose(safe(Untrusted(plain_text(block)), lines=True))
            case "branch":
                self._run(self._branching(block))
            case "retry":
                self._retry(block)
            case "undo":
                self._undo(block)
            case _:
                self._ask_where(block)

    def page(self, block: Block) -> None:
        """Open the whole block in the pager."""
        text = safe(untrusted_text(block), lines=True)
        content = text.encode("utf-8", "replace")
        self._workstation.run_worker(partial(self._workstation.page, lambda: [content], 1))

    # The past before a block.

    def _before(self, block: Block, kinds: tuple[type[Block], ...]) -> PersonLine | AgentText | None:
        """The nearest message of these kinds at the block or before it, in the same run."""
        blocks = self._view.transcript.blocks
        place = self._view.transcript.index(block)
        for index in range(-1 if place is None else place, -1, -1):
            found = blocks[index]
            if found.run != block.run:
                return None
            if isinstance(found, PersonLine | AgentText) and isinstance(found, kinds) and found.message_id:
                return found
        return None

    def _branching(self, block: Block) -> "Callable[[Client], Awaitable[object]]":
        message = self._before(block, (PersonLine, AgentText))

        async def branch(client: "Client") -> None:
            made = await client.steering.branch(block.run, message.message_id if message else "")
            self._workstation.open_run(made.execution_id)

        return branch

    def _retry(self, block: Block) -> None:
        asked = self._before(block, (PersonLine,))
        if asked is None:
            self._workstation.say("Nobody asked anything before this.", wrong=True)
            return

        async def retry(client: "Client") -> None:
            made = await client.steering.retry_message(asked.run, asked.message_id)
            self._workstation.open_run(made.execution_id)
            if words := put_back_words(made.paths, made.left):
                self._workstation.say(words, wrong=bool(made.left))

        self._run(retry)

    def _undo(self, block: Block) -> None:
        asked = self._before(block, (PersonLine,))
        message_id = asked.message_id if asked is not None else ""
        self._run(lambda client: undo(self._workstation, client, block.run, message_id))

    def _run(self, send: "Callable[[Client], Awaitable[object]]") -> None:
        async def sent() -> None:
            client = await self._workstation.client()
            try:
                await send(client)
            except StigmerError as error:
                self._workstation.say_error(error)

        self._workstation.run_worker(sent)

    # Saving.

    def _ask_where(self, block: Block) -> None:
        self._saving = block
        self.line.value = str(Path.cwd() / "block.md")
        self.line.display = True
        self.line.screen.set_focus(self.line)

    def _save_left(self, accepted: bool) -> None:
        block, self._saving = self._saving, None
        self.line.display = False
        self.line.screen.set_focus(self._view)
        if accepted and block is not None and self.line.value.strip():
            self._workstation.run_worker(partial(self._save, block, Path(self.line.value.strip()).expanduser()))

    async def _save(self, block: Block, path: Path) -> None:
        content = markdown_of(block).encode("utf-8", "replace")
        try:
            await asyncio.to_thread(write_new, path, content)
        except StigmerError as error:
            self._workstation.say_error(error)
        else:
            self._workstation.say(f"Saved to {path}.")


def put_back_words(paths: Sequence[str], left: Sequence[str]) -> str:
    """Which files are as before, and which are not, in words."""
    told = [(paths, "as before"), (left, "left alone: somebody else changed it since")]
    return "; ".join(
        f"{fit(safe(Untrusted(', '.join(names))), _NAMED_CELLS).strip()}: {what}" for names, what in told if names
    )


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet. Raises `AlreadyExists`, or `InvalidArgument` where it cannot be made."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError as error:
        raise AlreadyExists(f"{path} is there already", remedy="choose another name") from error
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be written: {error.strerror}", remedy="choose another place") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
