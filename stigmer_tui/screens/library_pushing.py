"""Pushing a skill: choose a folder or a ZIP, see what would be pushed and what keeps it from that, push it."""

import asyncio
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.widgets import Input

from stigmer_apis.documents.problems import Problem
from stigmer_apis.errors import InvalidArgument, StigmerError
from stigmer_apis.skill_form import MAX_FILES, MAX_PACKED_BYTES, MAX_UNPACKED_BYTES, SKILL_MD
from stigmer_tui.actions.registry import Scope
from stigmer_tui.cli.skill_packing import Packed, pack
from stigmer_tui.completion.folders import folders_at
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import size, thousands
from stigmer_tui.widgets.composer.offers import Offer, OfferList
from stigmer_tui.widgets.editing.problems import ProblemList
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.library.pushing import MemberList, PushLine
from stigmer_tui.widgets.library.versions import SHORT_HASH
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice

LOOK_SECONDS = 0.15
"""Without a key, before what is written is looked at."""
OFFERED = 50
_MIB = 1024 * 1024
LIMITS = (
    f"A folder with a {SKILL_MD}, or a ZIP of one.",
    "What .gitignore and .skillignore name stays here.",
    f"Up to {thousands(MAX_FILES)} files, {MAX_UNPACKED_BYTES // _MIB} MiB, packed {MAX_PACKED_BYTES // _MIB} MiB.",
)


class PushScreen(WorkstationScreen):
    """Two lines to write into, what is offered for the first, and the files."""

    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "#push-source"
    app = getters.app(Workstation)

    def __init__(self, workstation: Workstation) -> None:
        super().__init__()
        self._base = workstation.workspace or Path.cwd()
        self._packed: Packed | None = None
        self._wrong: InvalidArgument | None = None
        self._looked = ""
        """What was written when it was looked last."""
        self._pushing_since = 0.0
        """0 while nothing is pushed."""
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.source = PushLine("a folder or a ZIP, from here on or from ~ or /", self._ask, id="push-source")
        self.tag = PushLine("a tag, such as stable, which moves with each push; or nothing", self._ask, id="push-tag")
        self.offers = OfferList(self._take)
        self.limits = [Line(classes="limits") for _ in LIMITS]
        self.members = MemberList()
        self.problems = ProblemList(lambda _: None)
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """The lines, what fits, the files."""
        yield self.head
        yield self.trouble
        yield self.source
        yield self.offers
        yield self.tag
        yield from self.limits
        yield self.members
        yield self.problems
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.PUSHING: self.tag if self.focused is self.tag else self.source}

    def on_mount(self) -> None:
        """Offer what is here."""
        self.show_connection(self.app)
        self._look_soon("")
        self._say()

    # Looking.

    @on(Input.Changed, "#push-source")
    def source_changed(self, message: Input.Changed) -> None:
        """Look once the person stops for a moment."""
        written = message.value
        self._packed = self._wrong = None
        self.members.show(())
        self.problems.show(())
        self.set_timer(LOOK_SECONDS, lambda: self._look_soon(written) if self.source.value == written else None)
        self._say()

    def _look_soon(self, written: str) -> None:
        self.run_worker(partial(self._look, written), exclusive=True, group="looking")

    async def _look(self, written: str) -> None:
        """What fits; and where a skill is written, what of it would be pushed."""
        found = await asyncio.to_thread(folders_at, written, self._base, OFFERED)
        if written != self.source.value:
            return
        self.offers.show([Offer(each.path, each.path, each.words) for each in found])
        place = self._place(written)
        self._looked = written
        if written and await asyncio.to_thread(_is_skill, place):
            self.offers.show(())
            self._say()
            await self._pack(written, place)
        self._say()

    async def _pack(self, written: str, place: Path) -> None:
        try:
            packed, wrong = await asyncio.to_thread(pack, place, ""), None
        except InvalidArgument as error:
            packed, wrong = None, error
        if written == self.source.value:
            self._packed, self._wrong = packed, wrong
            self.members.show(packed.members if packed is not None else ())
            problems = () if wrong is None else (Problem("", 0, 0, wrong.message, remedy=wrong.remedy),)
            self.problems.show(problems, packed.warnings if packed is not None else ())

    def _place(self, written: str) -> Path:
        return self._base / os.path.expanduser(written)

    # Drawing.

    def _say(self) -> None:
        self.head.say([("Push a skill", "title")], [(f"from {safe(Untrusted(_short(self._base)))}", "muted")])
        for line, words in zip(self.limits, LIMITS, strict=True):
            line.say([(words, "muted")])
        packed = self._packed
        if self._pushing_since:
            self.status.say([(f"pushing … {int(time.monotonic() - self._pushing_since)} s", "accent")])
        elif packed is not None:
            total = sum(each.size for each in packed.members)
            words = (
                f"✓ {safe(Untrusted(packed.name))}  {thousands(packed.files)} file{'' if packed.files == 1 else 's'}, "
            )
            words += f"{size(total)}, packed {size(len(packed.archive))}"
            self.status.say([(words, "good")], [("enter pushes it", "muted")])
        elif self._wrong is not None:
            self.status.say([("✗ cannot be pushed", "error")])
        elif not self.source.value:
            words = "Choose a folder below, or write where it is." if self.offers.offers else "Write where it is."
            self.status.say([(words, "muted")])
        elif self._looked == self.source.value and not self.offers.offers:
            self.status.say([(f"Nothing here is a skill: no {SKILL_MD}, no folder, no ZIP.", "warning")])
        else:
            self.status.say([])

    # Keys.

    def _ask(self, what: str, step: int) -> None:
        match what:
            case "leave" if self.offers.display and self.source.value:
                self.offers.show(())
            case "leave":
                self.app.pop_screen()
            case "move" if self.offers.display:
                self.offers.move(step)
            case "move":
                self.members.scroll_rows(step)
            case "complete" | "push" if self.offers.display and self.focused is self.source:
                self._take()
            case "complete":
                self.set_focus(self.tag if self.focused is self.source else self.source)
            case _:
                self._push()

    def _take(self) -> None:
        offer = self.offers.current
        if offer is not None:
            self.source.value = offer.insert
            self.source.cursor_position = len(offer.insert)

    def _push(self) -> None:
        if self._pushing_since:
            self.app.say("It is being pushed.")
        elif self._packed is None:
            self.app.say("There is nothing to push yet: choose a folder with a SKILL.md.", wrong=True)
        else:
            self._pushing_since = time.monotonic()
            self.run_worker(partial(self._send, self._packed))

    async def _send(self, packed: Packed) -> None:
        timer = self.set_interval(1, self._say)
        self._say()
        try:
            client = await self.app.client()
            skill, outcome = await client.skills.push(packed.name, packed.archive, tag=self.tag.value.strip())
        except StigmerError as error:
            self.app.say_error(error)
        else:
            version = skill.status.version_hash[:SHORT_HASH]
            words = "was so already" if outcome == "unchanged" else outcome
            self.app.pop_screen()
            self.app.call_later(
                self.app.say, f"Skill {skill.metadata.slug} {words}: version {version}. H shows its versions."
            )
        finally:
            timer.stop()
            self._pushing_since = 0.0
            if self.is_mounted:
                self._say()


def _is_skill(place: Path) -> bool:
    """Whether it looks like one: then it is read. A folder without a SKILL.md is a step on the way."""
    return (place / SKILL_MD).is_file() or (place.suffix == ".zip" and place.is_file())


def _short(folder: Path) -> str:
    """A folder as a shell names it in its prompt."""
    home = Path.home()
    return str("~" / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)
