"""One execution, followed for an editor."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from acp.helpers import update_agent_message_text
from acp.interfaces import Client as Editor
from acp.schema import PromptResponse, StopReason

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.client import Client, TailBatch, TailEnd, TailItem, TailReset
from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_tui.acp.permissions import Asking, ask
from stigmer_tui.acp.telling import Telling

CANCEL_SECONDS = 10.0
"""An interrupt that has not stopped a run after so long becomes a cancel."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Whose execution it is, and who is told of it."""

    client: Client
    editor: Editor
    session_id: str
    workspace: Path
    is_shell: bool
    """Whether the agent is `shell`: it has no model to interrupt."""


class Running:
    """Follows an execution from where it is read to its end. Between two prompts it may stand and wait for a person."""

    def __init__(self, place: Place, execution_id: str, *, past: bool = False) -> None:
        """`past`: what happened so far is told as the past, see `replay`."""
        self.execution_id = execution_id
        self.question = ""
        """The question that it waits with; the next prompt answers it."""
        self.ended = False
        self._place = place
        self._telling = Telling(execution_id, place.workspace, past=past)
        self._resting = asyncio.Event()
        self._failure = ""
        self._phase: int = enums.EXECUTION_PHASE_UNSPECIFIED
        self._model_spoke = False
        self._cancelling = False
        self._after = 0
        self._incarnation = ""
        self._open: dict[str, ev.ApprovalRequested] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._last_word: asyncio.Task[None] | None = None

    # Following

    async def replay(self) -> None:
        """Tell what happened so far. Raises what the daemon says."""
        await self._read(self._items(follow=False), live=False)
        self._telling.past = False

    def follow(self) -> None:
        """Tell what happens from now on, and put what waits for a decision to the editor."""
        self._following = asyncio.create_task(self._follow())
        for requested in self._open.values():
            self._ask(requested)

    async def close(self) -> None:
        """Stop following. The execution goes on."""
        tasks = [task for task in (self._following, self._last_word, *self._asking.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            await self._read(self._items(follow=True), live=True)
        except ConnectionError:
            _logger.info("%s: the editor has gone", self.execution_id)
        except StigmerError as error:
            _logger.error("%s cannot be followed: %s", self.execution_id, error)
            self._failure = f"{error.message}. {error.remedy}" if error.remedy else error.message
        except Exception as error:
            _logger.exception("%s cannot be followed", self.execution_id)
            self._failure = f"Stigmer itself failed here: {type(error).__name__}"
        finally:
            self.ended = True
            self._resting.set()

    def _items(self, *, follow: bool) -> AsyncGenerator[TailItem, None]:
        client = self._place.client
        return client.tail(self.execution_id, after_seq=self._after, follow=follow, incarnation=self._incarnation)

    async def _read(self, items: AsyncGenerator[TailItem, None], *, live: bool) -> None:
        async with aclosing(items) as every:
            async for item in every:
                match item:
                    case TailBatch():
                        for event in item.events:
                            await self._take(event, live=live)
                        self._after, self._incarnation = item.last_seq, item.incarnation
                        for update in self._telling.flush():
                            await self._place.editor.session_update(self._place.session_id, update)
                    case TailEnd():
                        self._phase, self.ended = item.phase, True
                        self._resting.set()
                    case TailReset():
                        _logger.warning(
                            "%s: the server's store was restored; some of it may be told twice", self.execution_id
                        )
                        self._open.clear()
                    case _:
                        pass

    async def _take(self, event: ev.Event, *, live: bool) -> None:
        for update in self._telling.take(event):
            await self._place.editor.session_update(self._place.session_id, update)
        match event.WhichOneof("body"):
            case "approval_requested":
                self._open[event.approval_requested.call_id] = event.approval_requested
                if live:
                    self._ask(event.approval_requested)
            case "approval_resolved":
                self._decided(event.approval_resolved.call_id)
            case "tool_call_finished":
                self._decided(event.tool_call_finished.call_id)
            case "question_asked" if not event.sub_agent_id:
                await self._asked(event.question_asked, live=live)
            case "attention_cleared" if event.attention_cleared.attention_id == self.question:
                self.question = ""
                self._resting.clear()
            case "model_call_started":
                self._model_spoke = True
            case "phase_changed":
                changed = event.phase_changed
                self._phase, self._failure = changed.phase, changed.reason
            case _:
                pass

    # What waits for a person

    def _ask(self, requested: ev.ApprovalRequested) -> None:
        call_id = requested.call_id
        asking = Asking(self._place.client, self._place.editor, self._place.session_id, self.execution_id)
        task = asyncio.create_task(ask(asking, requested, self._telling.call(call_id)))
        self._asking[call_id] = task
        task.add_done_callback(lambda done: self._asked_out(call_id, done))

    def _asked_out(self, call_id: str, task: asyncio.Task[None]) -> None:
        if self._asking.get(call_id) is task:
            del self._asking[call_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("the editor was asked about %s in vain", call_id, exc_info=error)

    def _decided(self, call_id: str) -> None:
        """Somebody decided, here or elsewhere: the editor's answer is not wanted any more."""
        self._open.pop(call_id, None)
        task = self._asking.pop(call_id, None)
        if task is not None:
            task.cancel()

    async def _asked(self, asked: ev.QuestionAsked, *, live: bool) -> None:
        """The turn rests: the next prompt is the answer."""
        self.question = asked.attention_id
        if not self._cancelling:
            text = f"\n{asked.text}\n"
            if asked.options:
                text += "".join(f"- {option}\n" for option in asked.options)
            await self._place.editor.session_update(self._place.session_id, update_agent_message_text(text))
        if live:
            self._resting.set()

    # What the person at the editor does

    async def prompt(self, text: str) -> None:
        """Another message, or the answer to the open question. Raises what the daemon says."""
        question, self.question = self.question, ""
        self._resting.clear()
        self._cancelling = False
        self._telling.own_words[text] += 1
        if question:
            await self._place.client.steering.answer(self.execution_id, text, question)
        else:
            await self._place.client.send_message(self.execution_id, text)

    async def cancel(self) -> None:
        """Stop what it does. It rests soon after, one way or the other."""
        if self.ended or self._resting.is_set():
            return
        self._cancelling = True
        for task in list(self._asking.values()):
            task.cancel()
        steering, reason = self._place.client.steering, "cancelled in the editor"
        try:
            if self._place.is_shell or not self._model_spoke:
                await self._place.client.cancel(self.execution_id, reason)
                return
            await steering.interrupt(self.execution_id, reason)
        except FailedPrecondition as error:
            _logger.info("%s was not interrupted: %s", self.execution_id, error)
        self._last_word = asyncio.create_task(self._make_sure(reason))

    async def _make_sure(self, reason: str) -> None:
        try:
            await asyncio.wait_for(self._resting.wait(), CANCEL_SECONDS)
        except TimeoutError:
            _logger.warning("%s did not stop at an interrupt and is cancelled", self.execution_id)
            await self._place.client.cancel(self.execution_id, reason)

    async def rest(self) -> PromptResponse:
        """How the turn ended, once it has. Raises `FailedPrecondition` with the reason of a run that failed."""
        await self._resting.wait()
        failed = self._phase == enums.EXECUTION_FAILED or (self.ended and self._phase not in _ENDS)
        if failed and not self._cancelling and self._telling.stopped_by is None:
            raise FailedPrecondition(
                self._failure or "the run failed", remedy=f"more of it: `stigmer logs {self.execution_id}`"
            )
        return PromptResponse(
            stop_reason=self._stop_reason(),
            usage=self._telling.usage(),
            field_meta={"stigmer": {"executionId": self.execution_id}},
        )

    def _stop_reason(self) -> StopReason:
        if self._cancelling or self._phase == enums.EXECUTION_CANCELLED:
            return "cancelled"
        return self._telling.stopped_by or "end_turn"


_ENDS = (enums.EXECUTION_COMPLETED, enums.EXECUTION_FAILED, enums.EXECUTION_CANCELLED)
