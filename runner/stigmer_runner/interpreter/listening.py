"""`listen`: waits for signals and events, and perhaps does something for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import WorkflowTaskWaiting
from stigmer_apis.documents.nodes import MapNode, Node
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.fields import Fields, Notes
from stigmer_apis.workflow.model import Listen
from stigmer_apis.workflow.parts import events as read_events
from stigmer_apis.workflow.values import EventFilter, Events
from stigmer_runner.interpreter.carrying import Resumed
from stigmer_runner.interpreter.evaluating import Scope
from stigmer_runner.interpreter.failing import TaskFailed
from stigmer_runner.interpreter.mailbox import Letter, Mailbox
from stigmer_runner.interpreter.texts import below, data_below, pointer
from stigmer_runner.interpreter.visit import Done, Lists, Visit

_SIGNALS = ("signal", "query", "update")
"""Types of filters in Zigflow's dialect: what is meant is the name, which stands as `id`."""
_PATTERN = re.compile(r"[][*+?(){}|^$\\]")


@dataclass(slots=True)
class Ear:
    """Listens by one set of filters."""

    visit: Visit
    events: Events
    mailbox: Mailbox
    since: int
    """Letters after this one are heard even if somebody else took them."""
    heard_to: int = 0
    """The number of the last letter that was looked at."""
    correlations: dict[str, Json] = field(default_factory=dict[str, Json])

    def next(self, open_filters: Sequence[int]) -> tuple[Letter, int] | None:
        """The next letter that one of the filters, by their numbers, means. Raises `TaskFailed`."""
        for letter in self.mailbox.letters:
            if letter.number <= self.heard_to or (letter.taken and letter.number <= self.since):
                continue
            self.heard_to = letter.number
            for number in open_filters:
                if self._means(self.events.filters[number], letter):
                    letter.taken = True
                    return letter, number
            if not self.events.filters:
                letter.taken = True
                return letter, -1
        return None

    def again(self) -> None:
        """Look at all letters once more: other filters are open."""
        self.heard_to = 0

    def _means(self, filter_: EventFilter, letter: Letter) -> bool:
        visit = self.visit
        if filter_.type in _SIGNALS:
            return not letter.is_event and letter.name == filter_.id and self._data_fits(filter_, letter)
        scope = visit.scope
        for entry in filter_.attributes.entries:
            wanted = to_data(entry.value)
            if not _fits(visit, wanted, letter.event.get(entry.key), scope):
                return False
        return self._correlates(filter_, letter)

    def _data_fits(self, filter_: EventFilter, letter: Letter) -> bool:
        wanted = data_below(filter_.attributes, "data")
        return wanted is None or _fits(self.visit, wanted, letter.event.get("data"), self.visit.scope)

    def _correlates(self, filter_: EventFilter, letter: Letter) -> bool:
        found: dict[str, Json] = {}
        for entry in filter_.correlate.entries if filter_.correlate is not None else ():
            source, expected = data_below(entry.value, "from"), data_below(entry.value, "expect")
            value = self.visit.evaluator.bare(str(source), letter.event, self.visit.scope)
            if expected is not None:
                wanted = self.visit.evaluator.data(expected, self.visit.input, self.visit.scope)
                if value != wanted and str(value) != str(wanted):
                    return False
            elif entry.key in self.correlations and self.correlations[entry.key] != value:
                return False
            found[entry.key] = value
        self.correlations.update(found)
        return True


async def run_listen(visit: Visit, work: Listen, lists: Lists) -> Done:
    """What was heard."""
    if work.events is None:
        raise visit.fail("configuration", "`listen` says nothing to wait for")
    mailbox = visit.stage.mailbox
    ear = Ear(visit, work.events, mailbox, mailbox.begin())
    stopper = _stopper(visit, work.events, mailbox)
    try:
        return await _Listening(visit, work, lists, ear, stopper).run()
    finally:
        mailbox.end()


class _Listening:
    def __init__(self, visit: Visit, work: Listen, lists: Lists, ear: Ear, stopper: Ear | None) -> None:
        self._visit = visit
        self._work = work
        self._lists = lists
        self._ear = ear
        self._events = ear.events
        self._stopper = stopper
        self._read: list[Json] = []
        self._by_id: dict[str, Json] = {}
        self._open = list(range(len(self._events.filters)))

    async def run(self) -> Done:
        """Until all that was wanted has come."""
        repeats = self._events.mode == "any" and self._events.until is not None
        while self._wants_more(repeats):
            self._tell()
            found = await self._next()
            if found is None:
                break
            letter, number = found
            if self._events.mode == "all":
                self._open.remove(number)
                self._ear.again()
            done = await self._take(letter, number)
            if done is not None:
                return done
        return Done(self._output())

    async def _next(self) -> tuple[Letter, int] | None:
        """What is heard next; None where what ends the listening came first."""
        mailbox = self._ear.mailbox
        while True:
            stopper = self._stopper
            if stopper is not None and stopper.next(range(len(stopper.events.filters))) is not None:
                return None
            found = self._ear.next(self._open)
            if found is not None:
                return found
            await mailbox.another()
            self._visit.stage.rested()

    def _wants_more(self, repeats: bool) -> bool:
        if self._events.mode == "all":
            return bool(self._open)
        return not self._read or (repeats and not self._is_enough())

    def _is_enough(self) -> bool:
        """Whether the condition of `until` holds of what was heard so far."""
        until = self._events.until
        template = to_data(until) if until is not None else None
        if isinstance(template, bool):
            return template
        if not isinstance(template, str):
            return False
        return self._visit.evaluator.holds(template, list(self._read), self._visit.scope)

    async def _take(self, letter: Letter, number: int) -> Done | None:
        """Keep what was heard; for each, do what `foreach` says. What ends the workflow is given back."""
        work, visit = self._work, self._visit
        heard = _as_read(data_below(visit.task.node, "listen", "read"), letter)
        if work.tasks:
            item = work.item.text if work.item is not None else "item"
            at = work.at.text if work.at is not None else "index"
            position = len(self._read)
            scope = visit.scope.plus(**{item: heard, at: position})
            around = visit.inside(scope, carries=False, index=position)
            done = await self._lists.list(work.tasks, pointer(visit.path, "foreach", "do"), heard, around, Resumed([]))
            if done.ends:
                return done
            heard = self._shaped(done.output, scope)
        self._read.append(heard)
        name = self._events.filters[number].id if number >= 0 else ""
        self._by_id[name or letter.name] = heard
        return None

    def _shaped(self, output: Json, scope: Scope) -> Json:
        """What `foreach.output.as` and `foreach.export.as` make of a round's output."""
        visit = self._visit
        shape: Node | None = below(visit.task.node, "foreach", "output", "as")
        if shape is not None:
            output = visit.evaluator.shaped(shape, output, scope.plus(output=output))
        export = below(visit.task.node, "foreach", "export", "as")
        if export is not None:
            visit.stage.context = visit.evaluator.shaped(export, output, scope.plus(output=output))
        return output

    def _output(self) -> Json:
        """To signals alone: the data, by their names where there may be several. To events: the list of them."""
        signals = bool(self._events.filters) and all(each.type in _SIGNALS for each in self._events.filters)
        if not signals or self._work.tasks or self._events.until is not None:
            return self._read
        if self._events.mode == "one":
            return self._read[0] if self._read else None
        return self._by_id

    def _tell(self) -> None:
        names = [
            each.id if each.type in _SIGNALS else each.type
            for number, each in enumerate(self._events.filters)
            if number in self._open
        ]
        signals = WorkflowTaskWaiting.Signals(names=names, all=self._events.mode == "all", received=len(self._read))
        self._visit.wait(WorkflowTaskWaiting(signals=signals))


def _stopper(visit: Visit, events: Events, mailbox: Mailbox) -> Ear | None:
    """What `until` waits for, where that is events."""
    if not isinstance(events.until, MapNode):
        return None
    until = read_events(Fields(events.until, Notes(""), "until"))
    return Ear(visit, until, mailbox, mailbox.came)


def _as_read(read: Json, letter: Letter) -> Json:
    match read:
        case "envelope":
            return letter.event
        case "raw":
            return letter.event if letter.is_event else letter.event.get("data")
        case _:
            return letter.event.get("data")


def _fits(visit: Visit, wanted: Json, found: Json, scope: Scope) -> bool:
    """Whether an attribute is meant: it is the same, the expression holds of it, or the regular expression covers all of it."""
    if isinstance(wanted, str) and wanted.strip().startswith("${"):
        value = visit.evaluator.data(wanted, found, scope)
        return value is True or (not isinstance(value, bool) and value is not None and value == found)
    if wanted == found:
        return True
    if isinstance(wanted, str) and isinstance(found, str) and _PATTERN.search(wanted):
        try:
            return (
                visit.evaluator.expression(
                    'test("^(?:" + $pattern + ")$")', found, Scope({"pattern": wanted}, visit.path)
                )
                is True
            )
        except TaskFailed:
            return False
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_fits(visit, each, found.get(key), scope) for key, each in wanted.items())
    return False
