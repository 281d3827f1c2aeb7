"""A resource, edited in place: checked while one writes, stored only where nobody else changed it meanwhile."""

import asyncio
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.widgets import TextArea

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.errors import Aborted, InvalidArgument, NotFound, StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.cli.refused import plain, refused
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.reading import Document
from stigmer_tui.manifests.writing import editable_data, to_yaml
from stigmer_tui.screens.stopping import StopKey
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.editing.checking import problems_of, read_one
from stigmer_tui.widgets.editing.text import EditorText, ProblemList
from stigmer_tui.widgets.hints import Hints
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.notice import Notice

CHECK_SECONDS = 0.3
"""Without a key, before the text is checked."""
_DIFFERENCES = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """What is edited."""

    kind: Kind
    text: str
    """To begin with."""
    resource_id: str = ""
    """Empty where it is new."""
    slug: str = ""
    """What it has to stay called; empty where it is new."""

    @property
    def title(self) -> str:
        """For the head and the tab; safe to draw."""
        return safe(Untrusted(f"{self.kind.word}/{self.slug}" if self.slug else f"new {self.kind.word}"))


class EditingScreen(WorkstationScreen):
    """The text, and below it what is wrong."""

    CSS_PATH = "editing.tcss"
    AUTO_FOCUS = "#editor"
    app = getters.app(Workstation)

    def __init__(self, subject: Subject, workstation: Workstation) -> None:
        super().__init__()
        self._subject = subject
        self._saved = subject.text
        self._checked = False
        self._refused_text = ""
        """A text that was refused: what is said of it stays until it is changed."""
        self._leave_key = StopKey(workstation.clock)
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.text = EditorText(subject.text, self._ask)
        self.problems = ProblemList(self._go_to)
        self.notice = Notice()
        self.status = Line(classes="status")
        self.hints = Hints(classes="hints")

    def compose(self) -> ComposeResult:
        """The text, what is wrong in it."""
        yield self.head
        yield self.trouble
        yield self.text
        yield self.problems
        yield self.notice
        yield self.status
        yield self.hints

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.EDITING: self.text}

    def on_mount(self) -> None:
        """Check what is there."""
        self.show_connection(self.app)
        self._check_soon()

    # Checking.

    @on(TextArea.Changed)
    def text_changed(self) -> None:
        """Check once the person stops for a moment."""
        self._checked = False
        text = self.text.text
        self.set_timer(CHECK_SECONDS, lambda: self._check_soon() if self.text.text == text else None)
        self._say()

    def _check_soon(self) -> None:
        self.run_worker(self._check(), exclusive=True, group="checking")

    async def _check(self) -> None:
        text = self.text.text
        found = await asyncio.to_thread(problems_of, text, self._subject.kind, self._subject.slug)
        if text == self.text.text != self._refused_text:
            self._show(found)

    def _show(self, problems: Sequence[Problem], more: Sequence[str] = ()) -> None:
        self._checked = True
        self.problems.show(problems, more)
        self._say()

    def _say(self) -> None:
        changed = self.text.text != self._saved
        self.head.say(
            [(self._subject.title, "title"), ("  changed" if changed else "", "warning")],
            [(safe(Untrusted(self._subject.resource_id)), "muted")],
        )
        count = len(self.problems.problems)
        if not self._checked:
            self.status.say([("checking …", "muted")])
        elif count:
            self.status.say([(f"✗ {count} to mend", "error")], [("alt+n goes to the next", "muted")])
        else:
            self.status.say([("✓ can be stored", "good")])

    # Keys.

    def _ask(self, what: str) -> None:
        match what:
            case "save":
                self.run_worker(self._save(), exclusive=True, group="saving")
            case "next":
                self._next()
            case "editor":
                self.run_worker(self._in_editor())
            case _:
                self._leave()

    def _next(self) -> None:
        placed = sorted((each for each in self.problems.problems if each.line), key=lambda each: each.line)
        if placed:
            here = self.text.cursor_location[0] + 1
            self._go_to(next((each for each in placed if each.line > here), placed[0]))
        else:
            self.app.say("Nothing is wrong.")

    def _go_to(self, problem: Problem) -> None:
        if problem.line:
            self.text.move_cursor((problem.line - 1, max(0, problem.column - 1)), center=True)
            self.set_focus(self.text)

    async def _in_editor(self) -> None:
        edited = await self.app.edit(self.text.text)
        if edited is not None:
            self.text.text = edited

    def _leave(self) -> None:
        if self.text.text == self._saved or self._leave_key.press("leave"):
            self.app.pop_screen()
        else:
            self.app.say("Not saved: alt+s saves. Press esc again to lose the changes.")

    # Storing.

    async def _save(self) -> None:
        text = self.text.text
        try:
            document = await asyncio.to_thread(read_one, text, self._subject.kind, self._subject.slug)
        except ManifestError as error:
            self._show(error.problems)
            self.app.say("Nothing was stored: see what is wrong below the text.", wrong=True)
            return
        self._refused_text = text
        client = await self.app.client()
        try:
            if self._subject.resource_id:
                await client.resources.get(self._number, self._subject.resource_id)
            done = await client.resources.apply([document.resource])
        except Aborted as error:
            await self._conflict(client, text, error)
        except StigmerError as error:
            await self._refused(client, document, error)
        else:
            self._saved = text
            outcome = done.Outcome.Name(done.applied[0].outcome).removeprefix("OUTCOME_").lower()
            self.app.pop_screen()
            self.app.call_later(self.app.say, f"{self._subject.kind.word} {document.slug} {outcome}.")

    @property
    def _number(self) -> ApiResourceKind.ValueType:
        return ApiResourceKind.ValueType(self._subject.kind.number)

    async def _refused(self, client: Client, document: Document, error: StigmerError) -> None:
        found = await refused(client, error, [document]) if isinstance(error, InvalidArgument | NotFound) else None
        self._show(found.problems if found else (document.problem("", plain(error), error.remedy),))
        self.app.say("The server stored nothing: see below the text.", wrong=True)

    async def _conflict(self, client: Client, text: str, error: Aborted) -> None:
        """Show what they have that this has not, and how to go on."""
        try:
            found = await client.resources.get(self._number, self._subject.resource_id)
        except StigmerError as gone:
            self.app.say_error(gone)
            return
        theirs = getattr(found, self._subject.kind.field)
        lines = difflib.unified_diff(
            to_yaml(editable_data(theirs)).splitlines(), text.splitlines(), "theirs", "yours", lineterm="", n=1
        )
        told = (line for line in lines if not line.startswith(("---", "+++", "@@")))
        more = ["  - theirs   + yours", *(f"  {line}" for line, _ in zip(told, range(_DIFFERENCES), strict=False))]
        version = theirs.metadata.version.id
        problem = Problem(
            "",
            0,
            0,
            plain(error),
            remedy=f"take over what you want; with `version: id: '{version}'` yours replaces theirs",
        )
        self._show((problem,), more)
        self.app.say("Somebody else changed it meanwhile. Nothing was overwritten.", wrong=True)
