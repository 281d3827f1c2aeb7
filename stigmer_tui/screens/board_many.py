"""What is done to the selected run, to those that are marked, or to all that the filter lets through; and what of it can be undone."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import Refused
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.board_feed import BoardFeed
from stigmer_tui.screens.stopping import StopKey
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.widgets.board.marks import Marks

if TYPE_CHECKING:
    from stigmer_apis.client import Client

MOST = 10_000
"""Runs that one key changes; of more that match, the first ones in the order of the list."""
MOST_STARTED = 100
"""Runs that one key starts again."""
UNDO_SECONDS = 8.0
"""How long a delete waits for an undo."""
_AT_ONCE = 8
"""Calls on their way at the same time."""
_PAGE = 1000
_WORDS = {"cancel": ("x", "stop"), "delete": ("d", "delete"), "retry": ("r", "start again")}


@dataclass(frozen=True, slots=True)
class _Going:
    """Runs that are about to be deleted."""

    ids: tuple[str, ...]
    at: float
    """When they are."""


Labels = Mapping[str, str | None]
"""Labels as they were; None for one that was not there."""


class BoardMany:
    """Asks twice where a slip would hurt, and says how many it is about to change."""

    def __init__(
        self,
        workstation: Workstation,
        feed: BoardFeed,
        marks: Marks,
        selected: Callable[[], ExecutionSummary | None],
        changed: Callable[[], None],
    ) -> None:
        """`selected` is the run under the cursor; `changed` is told when there is something else to say or to draw."""
        self._workstation = workstation
        self._feed = feed
        self._marks = marks
        self._selected = selected
        self._changed = changed
        self._twice = StopKey(workstation.clock)
        self._going: _Going | None = None
        self._labels: dict[str, Labels] = {}
        """By run, as they were before the last change."""

    # What it is about.

    def count(self) -> int:
        """How many runs are meant."""
        if self._marks.every:
            return min(MOST, self._total())
        return len(self._marks.ids) or (1 if self._selected() is not None else 0)

    def _total(self) -> int:
        sections = self._feed.rows.sections
        return sum(int(one.head.total) for one in sections) if sections is not None else self._feed.window.total

    def meant(self) -> str:
        """How many, in words."""
        if not self._marks:
            return "this run"
        count = self.count()
        more = self._marks.every and (count < self._total() or self._feed.window.total_is_lower_bound)
        return f"{'the first ' if more else ''}{thousands(count)} run{'' if count == 1 else 's'}"

    def question(self) -> str:
        """What is asked before something is done; empty where nothing is."""
        for verb, (key, words) in _WORDS.items():
            if self._twice.waits_for(self._signature(verb)):
                if verb == "cancel" and not self._marks:
                    return "press x again to stop this run and everything that it started"
                return f"press {key} again to {words} {self.meant()}"
        return ""

    def countdown(self) -> str:
        """How long a delete still waits; empty where none does."""
        if self._going is None:
            return ""
        count, left = len(self._going.ids), math.ceil(max(0.0, self._going.at - self._workstation.clock()))
        return f"deleting {thousands(count)} run{'' if count == 1 else 's'} in {left} s"

    def _signature(self, verb: str) -> str:
        selected = self._selected()
        what = f"{self._feed.view.filter}*" if self._marks.every else ",".join(self._marks.ids)
        return f"{verb} {what or (selected.execution_id if selected else '')}"

    def mark(self, what: str, cursor: int) -> bool:
        """Mark the run at `cursor`, all to it from the last mark, or all there are. Whether one goes on to the next."""
        rows = self._feed.rows
        row = rows.at(cursor)
        if what == "mark_all":
            self._marks.toggle_all()
        elif what == "mark_range":
            anchor = rows.place_of(self._marks.anchor)
            first, last = sorted((cursor if anchor is None else anchor, cursor))
            found = [one for place in range(first, last + 1) if isinstance(one := rows.at(place), ExecutionSummary)]
            self._marks.add(found)
            if len(found) < last - first + 1 and rows.sections is None:
                words = f"Marked {len(found)} of {last - first + 1}: the others were not fetched. * marks all."
                self._workstation.say(words)
        elif isinstance(row, ExecutionSummary):
            self._marks.toggle(row)
        self._changed()
        return what == "mark" and isinstance(row, ExecutionSummary)

    # What is asked.

    def press(self, verb: str) -> None:
        """A key that changes runs."""
        selected = self._selected()
        if not self.count():
            self._workstation.say("Select a run first.")
        elif verb == "cancel" and not self._marks and selected is not None and selected.phase not in LIVE:
            self._workstation.say("This run has ended.")
        elif verb == "delete" and not self._marks and selected is not None and selected.phase in LIVE:
            self._workstation.say("This run goes on: stop it with x first.")
        elif verb == "retry" and self.count() > MOST_STARTED:
            self._workstation.say(f"At most {MOST_STARTED} runs are started again at once.", wrong=True)
        elif (verb == "retry" and self.count() == 1) or self._twice.press(self._signature(verb)):
            self._workstation.run_worker(partial(self._do, verb))
        self._changed()

    def seen(self, *, every: bool = False) -> None:
        """The failures that are meant were seen."""
        self._workstation.run_worker(partial(self._see, every))

    def label(self, text: str) -> bool:
        """Put labels on, and take others off. False where the text says neither."""
        put: dict[str, str] = {}
        off: list[str] = []
        for word in text.split():
            name, equals, value = word.partition("=")
            if word.startswith("-") and len(word) > 1 and not equals:
                off.append(word[1:])
            elif equals and name:
                put[name] = value
            else:
                self._workstation.say(
                    f"‘{safe(Untrusted(word))}’ is no label: write NAME=VALUE, or -NAME to take it off.", wrong=True
                )
                return False
        if put or off:
            self._workstation.run_worker(partial(self._label, put, off))
        return bool(put or off)

    def undo(self) -> None:
        """Keep what is about to be deleted; else put the labels back."""
        if self._going is not None:
            kept = len(self._going.ids)
            self._going, self._marks.going = None, frozenset()
            self._workstation.say(f"Kept {thousands(kept)} run{'' if kept == 1 else 's'}.")
        elif self._labels:
            before, self._labels = self._labels, {}
            self._workstation.run_worker(partial(self._put_back, before))
        else:
            self._workstation.say("There is nothing to undo.")
        self._changed()

    def tick(self) -> None:
        """Time goes by: what nobody kept is deleted."""
        if self._going is not None:
            if self._workstation.clock() >= self._going.at:
                self._workstation.run_worker(partial(self._delete_now, self._going))
            self._changed()

    # What is done.

    async def _meant_rows(self, client: "Client") -> list[ExecutionSummary]:
        """All that are meant, as they were last heard of."""
        if not self._marks.every:
            selected = self._selected()
            known = {row.execution_id: row for row in self._feed.rows.known()}
            marked = [known.get(one, row) for one, row in self._marks.ids.items()]
            return marked or ([selected] if selected is not None else [])
        rows: list[ExecutionSummary] = []
        token = ""
        while len(rows) < MOST:
            page = await client.boards.page(self._feed.window.filter, page_size=_PAGE, page_token=token)
            rows += page.executions
            token = page.next_page_token
            if not token:
                break
        return rows[:MOST]

    async def _do(self, verb: str) -> None:
        client = await self._workstation.client()
        try:
            rows = await self._meant_rows(client)
            ids = [row.execution_id for row in rows]
            match verb:
                case "cancel":
                    going = [row.execution_id for row in rows if row.phase in LIVE]
                    await self._each(going, client.cancel, "Stop requested", ended=len(ids) - len(going))
                case "retry":
                    await self._each(ids, client.boards.run_again, "Started again")
                case _:
                    ended = [row.execution_id for row in rows if row.phase not in LIVE]
                    self._delete_later(ended, len(ids) - len(ended))
        except StigmerError as error:
            self._workstation.say_error(error)
        self._changed()

    async def _each(
        self, ids: Sequence[str], call: Callable[[str], Awaitable[object]], done: str, *, ended: int = 0
    ) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)
        errors: list[StigmerError] = []

        async def one(execution_id: str) -> None:
            async with limit:
                try:
                    await call(execution_id)
                except StigmerError as error:
                    errors.append(error)

        async with asyncio.TaskGroup() as tasks:
            for execution_id in ids:
                tasks.create_task(one(execution_id))
        count = len(ids) - len(errors)
        words = f"{done}." if len(ids) == 1 and not ended else f"{done}: {thousands(count)} runs."
        if ended:
            words += f" {thousands(ended)} had ended."
        if errors:
            self._workstation.say(f"{words} {len(errors)} could not be changed: {errors[0]}", wrong=True)
        else:
            self._workstation.say(words)
        self._marks.clear()

    def _delete_later(self, ids: Sequence[str], alive: int) -> None:
        if self._going is not None:
            self._workstation.run_worker(partial(self._delete_now, self._going))
        if alive:
            self._workstation.say(f"{thousands(alive)} go on, and stay: stop them with x first.")
        if ids:
            self._going = _Going(tuple(ids), self._workstation.clock() + UNDO_SECONDS)
            self._marks.going = frozenset(ids)
        self._marks.clear()

    async def _delete_now(self, going: _Going) -> None:
        if self._going is going:
            self._going = None
        client = await self._workstation.client()
        refused: list[Refused] = []
        deleted = 0
        try:
            for start in range(0, len(going.ids), _some()):
                answer = await client.boards.delete(going.ids[start : start + _some()])
                refused += answer.refused
                deleted += len(answer.deleted)
        except StigmerError as error:
            self._workstation.say_error(error)
        else:
            words = f"Deleted {thousands(deleted)} run{'' if deleted == 1 else 's'}."
            if refused:
                self._workstation.say(f"{words} {len(refused)} stay: {refused[0].reason}", wrong=True)
            else:
                self._workstation.say(words)
        self._marks.going = self._marks.going - frozenset(going.ids)
        self._feed.fetch_again()
        self._changed()

    async def _see(self, every: bool) -> None:
        client = await self._workstation.client()
        try:
            if every:
                marked = (await client.boards.mark_seen(every=True)).marked
            else:
                ids = [row.execution_id for row in await self._meant_rows(client)]
                marked = 0
                for start in range(0, len(ids), _PAGE):
                    marked += (await client.boards.mark_seen(ids[start : start + _PAGE])).marked
        except StigmerError as error:
            self._workstation.say_error(error)
            return
        if not marked:
            self._workstation.say(
                "There is no failure that was not seen." if every else "That was seen, or did not fail."
            )
        self._marks.clear()
        self._changed()

    async def _label(self, put: Mapping[str, str], off: Sequence[str]) -> None:
        client = await self._workstation.client()
        refused: list[Refused] = []
        changed = 0
        try:
            rows = await self._meant_rows(client)
            before = {row.execution_id: dict(row.labels) for row in rows}
            for start in range(0, len(before), _some()):
                answer = await client.boards.label(list(before)[start : start + _some()], put, off)
                refused += answer.refused
                changed += len(answer.changed)
        except StigmerError as error:
            self._workstation.say_error(error)
            return
        names = (*put, *off)
        self._labels = {one: {name: was.get(name) for name in names} for one, was in before.items()}
        words = f"Labelled {thousands(changed)} run{'' if changed == 1 else 's'}; u puts it back."
        self._workstation.say(
            f"{words} {len(refused)} stay: {refused[0].reason}" if refused else words, wrong=bool(refused)
        )
        self._feed.fetch_again()
        self._changed()

    async def _put_back(self, before: Mapping[str, Labels]) -> None:
        client = await self._workstation.client()
        alike: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
        for execution_id, labels in before.items():
            alike.setdefault(tuple(labels.items()), []).append(execution_id)
        try:
            for labels, ids in alike.items():
                put = {name: value for name, value in labels if value is not None}
                off = [name for name, value in labels if value is None]
                for start in range(0, len(ids), _some()):
                    await client.boards.label(ids[start : start + _some()], put, off)
        except StigmerError as error:
            self._workstation.say_error(error)
        else:
            self._workstation.say("The labels are as they were.")
        self._feed.fetch_again()
        self._changed()


def _some() -> int:
    """Runs that one call changes."""
    from stigmer_apis.client.boards import MANY

    return MANY
