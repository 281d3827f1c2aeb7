"""Deleting in the library: asked with what goes along, waited for, taken back."""

from collections.abc import Callable
from functools import partial

from textual.screen import Screen
from textual.timer import Timer

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import DeleteResourceResponse
from stigmer_apis.client.running_below import Running, end_running, running_below
from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.stopping import CONFIRM_SECONDS, StopKey
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.library.rows import Entry

UNDO_SECONDS = 8
"""That a delete waits, counted down: as long it can be taken back whole, with its id and its past."""
_NAMED = 3


class Deleting:
    """One at a time. Who leaves the library meanwhile deletes nothing."""

    def __init__(self, workstation: Workstation, screen: Screen[None], say: Callable[[], None]) -> None:
        """`say` draws what is said of it anew."""
        self._workstation = workstation
        self._screen = screen
        self._say = say
        self._key = StopKey(workstation.clock)
        self._consequence = ""
        self._running: list[Running] = []
        """What has not ended of what was asked about last."""
        self._going: Entry | None = None
        self._left = 0
        self._timer: Timer | None = None

    @property
    def waits(self) -> bool:
        """Whether something waits to be deleted."""
        return self._going is not None

    def words(self, entry: Entry | None) -> str:
        """What is to be said now, whichever entry is selected; empty for nothing."""
        if self._going is not None:
            return f"{self._going.name}{self._consequence} is deleted in {self._left} s; u keeps it"
        if entry is not None and self._key.waits_for(entry.resource_id):
            return f"press d again to delete {entry.name}{self._consequence}"
        return ""

    def press(self, entry: Entry) -> None:
        """The first press asks, the second begins to wait; a delete that waits already is done at once."""
        if self._key.press(entry.resource_id):
            self._finish()
            self._going, self._left = entry, UNDO_SECONDS
            self._timer = self._screen.set_interval(1, self._count)
        else:
            if self._going is None:
                self._consequence = ""
            self._screen.run_worker(partial(self._ask, entry))
            self._screen.set_timer(CONFIRM_SECONDS + 0.1, self._say)
        self._say()

    def undo(self) -> None:
        """Keep what was about to be deleted."""
        going = self._stop()
        self._workstation.say(f"{going.name} stays." if going is not None else "Nothing waits to be deleted.")
        self._say()

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._finish()
        self._say()

    def _stop(self) -> Entry | None:
        if self._timer is not None:
            self._timer.stop()
        going, self._going, self._timer = self._going, None, None
        return going

    def _finish(self) -> None:
        going = self._stop()
        if going is not None:
            self._screen.run_worker(partial(self._delete, going))

    async def _ask(self, entry: Entry) -> None:
        answer = await self._call(entry, dry_run=True)
        if answer is not None and self._going is None:
            self._consequence = f"{consequence(answer)}{ending_words(self._running)}"
        self._say()

    async def _delete(self, entry: Entry) -> None:
        answer = await self._call(entry, dry_run=False)
        if answer is not None:
            self._workstation.say(f"Deleted {entry.name}{consequence(answer)}.")
        self._say()

    async def _call(self, entry: Entry, *, dry_run: bool) -> DeleteResourceResponse | None:
        try:
            client = await self._workstation.client()
            kind = ApiResourceKind.Value(entry.kind)
            answer = await client.resources.delete(kind, entry.resource_id, dry_run=True)
            # What is held is refused, and then nothing is ended for it.
            self._running = [] if answer.holding else await running_below(client, kind, entry.resource_id, answer)
            if dry_run:
                return answer
            await end_running(client, self._running)
            return await client.resources.delete(kind, entry.resource_id)
        except StigmerError as error:
            self._workstation.say_error(error)
            return None


def consequence(answer: DeleteResourceResponse) -> str:
    """What a delete takes along, and what keeps it from happening, in words that follow a name."""
    along = [safe(Untrusted(one.name or one.id)) for one in answer.along]
    holding = [safe(Untrusted(one.name or one.id)) for one in answer.holding]
    words = f", and with it {_listed(along)}" if along else ""
    return f"{words}; it is held by {_listed(holding)}" if holding else words


def ending_words(running: list[Running]) -> str:
    """What is ended first, in words that follow those."""
    named = [safe(Untrusted(each.doing or each.execution_id)) for each in running]
    return f"; it ends {_listed(named)}" if named else ""


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
