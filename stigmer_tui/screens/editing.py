"""A resource, edited in place: checked while one writes, stored only where nobody else changed it meanwhile."""

import asyncio
import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from textual import getters, on
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.widgets import TextArea

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.errors import Aborted, StigmerError
from stigmer_tui.actions.registry import Scope
from stigmer_tui.manifests.kinds import ENVIRONMENT, Kind
from stigmer_tui.manifests.refused import plain
from stigmer_tui.manifests.storing import DeletedMeanwhile, Target, read_one, store
from stigmer_tui.manifests.writing import editable_data, to_yaml
from stigmer_tui.screens.editing_names import KnownNames
from stigmer_tui.screens.stopping import StopKey
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.composer.drafts import LONGEST as LONGEST_DRAFT
from stigmer_tui.widgets.editing.problems import ProblemList
from stigmer_tui.widgets.editing.text import EditorText
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

    @property
    def draft_place(self) -> str:
        """Where what was not saved is kept, until the same is edited again."""
        return f"edit:{self.resource_id or hashlib.sha256(self.text.encode()).hexdigest()[:16]}"


class EditingScreen(WorkstationScreen):
    """The text, and below it what is wrong."""

    CSS_PATH = "editing.tcss"
    AUTO_FOCUS = "#editor"
    app = getters.app(Workstation)

    def __init__(self, subject: Subject, workstation: Workstation, stored: Callable[[str], None] | None = None) -> None:
        """`stored` is told of a change that was stored: which version it was made from. Whoever gives it can take it back by `u`."""
        super().__init__()
        self._stored = stored
        self._subject = subject
        self._target = Target(subject.kind, subject.resource_id, subject.slug)
        self._saved = subject.text
        self._checked = False
        self._doubt = ""
        """What keeps it from being known whether the server would take it; empty where it is known."""
        self._refused_text = ""
        """A text that was refused: what is said of it stays until it is changed."""
        self._leave_key = StopKey(workstation.clock)
        self.head = Line(classes="head")
        self.trouble = Notice()
        self.text = EditorText(
            subject.text, self._ask, KnownNames(subject.kind, workstation.home, workstation.client).offers
        )
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
        yield self.text.offers

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """Who carries out which actions."""
        return {Scope.EDITING: self.text}

    def on_mount(self) -> None:
        """Check what is there, and what was not saved the last time."""
        self.show_connection(self.app)
        draft = self.app.drafts.get(self._subject.draft_place)
        if draft:
            self.text.replace(draft, (0, 0), self.text.document.end)
            self.text.move_cursor((0, 0))
            self.app.call_later(self.app.say, "What you wrote and did not save is here again. ctrl+z takes it back.")
        self._check_soon()

    def on_unmount(self) -> None:
        """Keep what was not saved."""
        unsaved = self.text.text if self._can_be_kept and self.text.text != self._saved else ""
        self.app.drafts.put(self._subject.draft_place, unsaved)

    @property
    def _can_be_kept(self) -> bool:
        """An environment may hold what nobody else is to read; a text that is too long is not kept."""
        return self._subject.kind is not ENVIRONMENT and len(self.text.text) <= LONGEST_DRAFT

    # Checking.

    @on(TextArea.Changed)
    def text_changed(self) -> None:
        """Check once the person stops for a moment."""
        self._checked = False
        text = self.text.text
        self.set_timer(CHECK_SECONDS, lambda: self._check_soon() if self.text.text == text else None)
        self._say()

    def _check_soon(self) -> None:
        self.run_worker(self._check, exclusive=True, group="checking")

    async def _check(self) -> None:
        """As `apply` does: first what can be told here, then what the server says, which stores nothing."""
        text, doubt = self.text.text, ""
        problems: Sequence[Problem] = ()
        try:
            document = await asyncio.to_thread(read_one, text, self._target)
            await store(await self.app.client(), document, self._target, dry_run=True)
        except ManifestError as error:
            problems = error.problems
        except Aborted:
            doubt = "somebody else changed it meanwhile: alt+s shows what is different"
        except DeletedMeanwhile:
            doubt = "it was deleted meanwhile"
        except StigmerError as error:
            doubt = f"the server could not be asked: {plain(error)}"
        if text == self.text.text != self._refused_text:
            self._show(problems, doubt=doubt)

    def _show(self, problems: Sequence[Problem], more: Sequence[str] = (), *, doubt: str = "") -> None:
        self._checked, self._doubt = True, doubt
        self.text.mark(problems)
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
        elif self._doubt:
            self.status.say([("no mistake found; ", "muted"), (safe(Untrusted(self._doubt)), "warning")])
        elif not changed and self._subject.resource_id:
            self.status.say([("✓ as it is stored", "muted")])
        else:
            self.status.say([("✓ can be stored", "good")])

    # Keys.

    def _ask(self, what: str) -> None:
        match what:
            case "save":
                self.run_worker(self._save, exclusive=True, group="saving")
            case "next":
                self._next(1)
            case "previous":
                self._next(-1)
            case "editor":
                self.run_worker(self._in_editor)
            case _:
                self._leave()

    def _next(self, step: int) -> None:
        placed = sorted((each for each in self.problems.problems if each.line), key=lambda each: each.line * step)
        if placed:
            here = (self.text.cursor_location[0] + 1) * step
            self._go_to(next((each for each in placed if each.line * step > here), placed[0]))
        else:
            self.app.say("Nothing is wrong." if self._checked else "It is still being checked.")

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
            becomes = "leave: it stays here as a draft" if self._can_be_kept else "lose the changes"
            self.app.say(f"Not saved: alt+s saves. Press esc again to {becomes}.")

    # Storing.

    async def _save(self) -> None:
        text = self.text.text
        try:
            document = await asyncio.to_thread(read_one, text, self._target)
        except ManifestError as error:
            self._show(error.problems)
            self.app.say("Nothing was stored: see what is wrong below the text.", wrong=True)
            return
        self._refused_text = text
        client = await self.app.client()
        try:
            outcome = await store(client, document, self._target)
        except ManifestError as error:
            self._refused(error.problems)
        except Aborted as error:
            await self._conflict(client, text, error)
        except DeletedMeanwhile as error:
            self._target = replace(self._target, resource_id="")
            remedy = "take `id` and `version` out of the metadata: then alt+s makes it anew"
            self._refused((Problem("", 0, 0, str(error), remedy=remedy),))
        except StigmerError as error:
            self._refused((document.problem("", plain(error), error.remedy),))
        else:
            self._saved = text
            self.app.pop_screen()
            before = getattr(document.resource, document.kind.field).metadata.version.id
            words = f"{self._subject.kind.word} {document.slug} {outcome}."
            if outcome == "updated" and before and self._stored is not None:
                self._stored(before)
                words += " u takes it back, H shows what it was."
            self.app.call_later(self.app.say, words)

    def _refused(self, problems: Sequence[Problem]) -> None:
        self._show(problems)
        self.app.say("The server stored nothing: see below the text.", wrong=True)

    @property
    def _number(self) -> ApiResourceKind.ValueType:
        return ApiResourceKind.ValueType(self._subject.kind.number)

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
