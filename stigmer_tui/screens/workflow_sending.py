"""What one sends to a run of a workflow: signals, a pause, and the run of it once more."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.struct_pb2 import Value

from stigmer_apis.client import client_environment
from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.workflow_documents import Document
from stigmer_tui.screens.workflow_feed import WorkflowFeed
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.workflow.json_form import JsonForm
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import CUT, Json, dumped, value_of

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class InputForm:
    """Where one writes what a workflow starts with; then it runs, and its run is shown."""

    def __init__(self, workstation: Workstation, back: Callable[[], None]) -> None:
        self._workstation = workstation
        self._back = back
        self._document: Document | None = None
        self.form = JsonForm(self._left, named=False, id="input-form")

    def ask(self, document: Document, *, text: str = "") -> None:
        """Have the input of `document` written; `text` stands there."""
        self._document = document
        self.form.open(
            f"Run {safe(Untrusted(document.name))} with this input",
            text=text,
            empty='JSON, such as {"name": "value"}; nothing: it starts without an input',
        )

    def _left(self, name: str, value: Json, accepted: bool) -> None:
        self._back()
        document = self._document
        if not accepted or document is None:
            return
        given = value_of(value) if self.form.text.text.strip() else None
        self._workstation.run_worker(partial(self._run, document, given))

    async def _run(self, document: Document, given: Value | None) -> None:
        app = self._workstation
        client = await app.client()
        try:
            execution = await client.workflows.run(
                workflow_id=document.workflow_id,
                document="" if document.workflow_id else document.text,
                input=given,
                workspace=str(app.workspace or ""),
                client_environment=client_environment(columns=app.size.width, rows=app.size.height),
            )
        except StigmerError as error:
            app.say_error(error)
            return
        app.run_started(execution.metadata.id)
        app.open_run(execution.metadata.id)


class WorkflowSending:
    """Between the keys and the server."""

    def __init__(self, workstation: Workstation, feed: WorkflowFeed, back: Callable[[], None]) -> None:
        """`back` puts the focus where the person was."""
        self._workstation = workstation
        self._feed = feed
        self._back = back
        self.document: Document | None = None
        """What runs, once it is known."""
        self._input = InputForm(workstation, back)
        self._signal = JsonForm(self._signal_left, named=True, id="signal-form")

    @property
    def forms(self) -> Sequence[JsonForm]:
        """Shown while one writes into them."""
        return self._signal, self._input.form

    def ask_signal(self) -> None:
        """Have a signal written, its name completed from what is waited for."""
        state = self._feed.state
        if not self._feed.run_state.live:
            self._workstation.say("This run has ended: no signal reaches it.")
            return
        names = state.wanted_signals()
        title = (
            "Send a signal" if names else "Send a signal; nothing waits for one yet, it is kept until something does"
        )
        self._signal.open(title, names, empty='JSON that comes with it, such as {"approved": true}; nothing: null')

    def _signal_left(self, name: str, value: Json, accepted: bool) -> None:
        self._back()
        if not accepted:
            return
        execution_id = self._feed.run_state.execution_id

        async def send(client: "Client") -> None:
            await client.workflows.signal(execution_id, name, value_of(value))
            self._workstation.say(f"Sent the signal ‘{safe(Untrusted(name))}’.")

        self._run(send)

    def ask_input(self) -> None:
        """Have an input written for a further run, beginning with that of this one."""
        if self.document is None:
            self._workstation.say("What this runs is not known here any more: R runs the same once more.")
            return
        state = self._feed.state
        cut = isinstance(state.input, dict) and set(state.input) == {CUT}
        self._input.ask(self.document, text=dumped(state.input) if state.has_input and not cut else "")

    def retry(self) -> None:
        """Run the same once more, from its beginning, and show that."""
        if self._feed.run_state.live:
            self._workstation.say("This run goes on. It can be run once more when it has ended; x stops it.")
            return
        execution_id = self._feed.run_state.execution_id

        async def again(client: "Client") -> None:
            made = await client.workflows.retry(execution_id)
            self._workstation.say("It runs once more, from its beginning.")
            self._workstation.open_run(made)

        self._run(again)

    def go_on(self, node: Node | None) -> None:
        """Begin a new run at the newest visit of a task, or with None where this one failed, and show that."""
        if self._feed.run_state.live:
            self._workstation.say("This run goes on. Once it has ended, a new one can begin here; x stops it.")
            return
        visit = node.newest if node is not None else None
        if node is not None and visit is None:
            self._workstation.say(
                "This task did not begin: choose one that did, or the whole run to go on where it failed."
            )
            return
        execution_id = self._feed.run_state.execution_id
        task_id = visit.task_id if visit is not None else ""

        async def begin(client: "Client") -> None:
            made = await client.workflows.go_on(execution_id, task_id)
            names = " and ".join(safe(Untrusted(path.rpartition("/")[2])) for path in made.goes_on_at) or "the end"
            over = {0: "nothing", 1: "one task"}.get(made.taken_over, f"{made.taken_over} tasks")
            self._workstation.say(f"It goes on at {names}; {over} taken over.")
            self._workstation.open_run(made.execution_id)

        self._run(begin)

    def pause(self) -> None:
        """Pause it, or let it go on."""
        state = self._feed.run_state
        if not state.live:
            self._workstation.say("This run has ended.")
        elif state.paused:
            self._run(lambda client: client.steering.resume(state.execution_id))
        else:
            self._run(lambda client: client.steering.pause(state.execution_id))

    def _run(self, send: "Callable[[Client], Awaitable[object]]") -> None:
        self._workstation.run_worker(partial(self._sent, send))

    async def _sent(self, send: "Callable[[Client], Awaitable[object]]") -> None:
        client = await self._workstation.client()
        try:
            await send(client)
        except StigmerError as error:
            self._workstation.say_error(error)
