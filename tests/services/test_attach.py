"""Attach: one person at a terminal's keyboard; who comes and goes is an event, what is typed is not."""

import asyncio

import pytest

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest, AttachResponse
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_apis.transport import aio
from stigmer_backend.executions.attaching import Attachment, Attachments
from stigmer_backend.executions.live import LiveExecution
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served
from tests.support.waiting import PATIENCE, eventually


class Person:
    """Somebody at a terminal."""

    def __init__(
        self, served: Served, execution_id: str, terminal_id: str = "", columns: int = 0, rows: int = 0
    ) -> None:
        self._call = served.stubs.terminals.Attach(metadata=served.stubs.metadata)
        self._open = AttachRequest.Open(execution_id=execution_id, terminal_id=terminal_id, columns=columns, rows=rows)

    async def attach(self) -> AttachResponse.Attached:
        await self._call.write(AttachRequest(open=self._open))
        response = await self.read()
        assert response.HasField("attached")
        return response.attached

    async def type(self, data: bytes) -> None:
        await self._call.write(AttachRequest(input=AttachRequest.Input(data=data)))

    async def resize(self, columns: int, rows: int) -> None:
        await self._call.write(AttachRequest(resize=AttachRequest.Resize(columns=columns, rows=rows)))

    async def read(self) -> AttachResponse:
        async with asyncio.timeout(PATIENCE):
            response = await self._call.read()
        assert isinstance(response, AttachResponse)
        return response

    async def leave(self) -> None:
        """Let go properly."""
        await self._call.done_writing()
        async with asyncio.timeout(PATIENCE):
            assert await self._call.read() is aio.EOF

    def vanish(self) -> None:
        """The connection breaks."""
        self._call.cancel()


async def running(served: Served, runner: ScriptedRunner) -> str:
    name = (await served.run("vim")).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "vim")
    return name


async def attachments(served: Served, execution_id: str) -> list[tuple[str, str]]:
    """Who came and went: the kind of event and its reason."""
    found: list[tuple[str, str]] = []
    after = 0
    while batches := await served.store.read(execution_id, after, 1 << 20):
        for batch in batches:
            for event in EventBatch.FromString(batch.body).events:
                match event.WhichOneof("body"):
                    case "terminal_attached":
                        found.append(("attached", ""))
                    case "terminal_detached":
                        found.append(("detached", event.terminal_detached.reason))
                    case _:
                        pass
            after = batch.last_seq
    return found


def keys(runner: ScriptedRunner) -> bytes:
    return b"".join(frame.terminal_input.data for frame in runner.frames if frame.HasField("terminal_input"))


def sizes(runner: ScriptedRunner) -> list[tuple[int, int]]:
    found: list[LinkResponse.TerminalResize] = [
        frame.terminal_resize for frame in runner.frames if frame.HasField("terminal_resize")
    ]
    return [(size.columns, size.rows) for size in found]


async def test_keys_and_sizes_reach_the_terminal_and_are_kept_nowhere(served: Served, runner: ScriptedRunner) -> None:
    name = await running(served, runner)
    person = Person(served, name, columns=120, rows=40)
    attached = await person.attach()
    assert (attached.terminal_id, attached.call_id, attached.title) == ("term-call-1", "call-1", "vim")
    assert attached.started_seq == 8
    canary = b"canary-password-\x1b[A\xff"
    await person.type(canary)
    await person.resize(100, 30)
    await person.resize(0, 0)
    await person.type(b"!")
    await runner.until(lambda: keys(runner) == canary + b"!")
    assert sizes(runner) == [(120, 40), (100, 30)]
    await person.leave()

    async def gone() -> bool:
        return await attachments(served, name) == [("attached", ""), ("detached", "")]

    await eventually(gone)
    await runner.finish_line(name)
    await runner.complete(name)
    await eventually(lambda: served.backend.counts()[1] == 0)
    for path in served.home.root.rglob("*"):
        assert not path.is_file() or b"canary-password" not in path.read_bytes()


async def test_the_end_of_the_command_ends_the_attachment(served: Served, runner: ScriptedRunner) -> None:
    name = await running(served, runner)
    person = Person(served, name)
    await person.attach()
    await runner.finish_line(name)
    ended = (await person.read()).ended
    assert (ended.command_ended, ended.reason) == (True, "the command ended")

    async def gone() -> bool:
        return await attachments(served, name) == [("attached", ""), ("detached", "the command ended")]

    await eventually(gone)
    with refused(FailedPrecondition) as refusal:
        await Person(served, name).attach()
    assert "nothing runs" in refusal.text


async def test_a_newer_person_takes_the_keyboard(served: Served, runner: ScriptedRunner) -> None:
    name = await running(served, runner)
    first, second = Person(served, name), Person(served, name, "term-call-1")
    await first.attach()
    await second.attach()
    ended = (await first.read()).ended
    assert not ended.command_ended
    assert "taken over" in ended.reason
    await second.type(b"x")
    await runner.until(lambda: keys(runner) == b"x")
    found = await attachments(served, name)
    assert [kind for kind, _ in found] == ["attached", "detached", "attached"]
    second.vanish()

    async def gone() -> bool:
        return (await attachments(served, name))[3:] == [("detached", "the connection was lost")]

    await eventually(gone)


async def test_a_runner_that_goes_away_ends_it(served: Served, runner: ScriptedRunner) -> None:
    name = await running(served, runner)
    person = Person(served, name)
    await person.attach()
    await runner.disconnect()
    ended = (await person.read()).ended
    assert (ended.command_ended, ended.reason) == (False, "the runner went away")
    with refused(FailedPrecondition) as refusal:
        await Person(served, name).attach()
    assert "not connected" in refusal.text
    await runner.connect()
    assert (await Person(served, name).attach()).title == "vim"


async def test_the_end_of_the_execution_says_that_people_let_go_before_it(
    served: Served, runner: ScriptedRunner
) -> None:
    name = await running(served, runner)
    person = Person(served, name)
    await person.attach()
    await runner.complete(name)
    assert (await person.read()).ended.command_ended
    assert await attachments(served, name) == [("attached", ""), ("detached", "the command ended")]
    batches = await served.store.read(name, 0, 1 << 20)
    last: list[Event] = [event for batch in batches for event in EventBatch.FromString(batch.body).events]
    assert [event.WhichOneof("body") for event in last[-2:]] == ["terminal_detached", "phase_changed"]


async def test_where_nothing_can_be_attached_to_it_is_said_clearly(served: Served, runner: ScriptedRunner) -> None:
    with refused(NotFound):
        await Person(served, "aex-nobody").attach()
    pending = (await served.run()).metadata.id
    await runner.begin(pending)
    with refused(FailedPrecondition):
        await Person(served, pending).attach()
    await runner.complete(pending)
    await eventually(lambda: served.backend.counts()[1] == 0)
    with refused(FailedPrecondition) as refusal:
        await Person(served, pending).attach()
    assert "has ended" in refusal.text
    name = await running(served, runner)
    with refused(FailedPrecondition):
        await Person(served, name, "term-other").attach()
    with refused(InvalidArgument):
        await Person(served, name, columns=1 << 20, rows=1).attach()
    assert await attachments(served, name) == []


async def test_what_is_no_key_ends_the_attachment(served: Served, runner: ScriptedRunner) -> None:
    name = await running(served, runner)
    person = Person(served, name)
    await person.attach()
    with refused(InvalidArgument):
        await person.type(b"x" * ((64 << 10) + 1))
        await person.read()
    assert keys(runner) == b""
    with refused(InvalidArgument):
        call = served.stubs.terminals.Attach(metadata=served.stubs.metadata)
        await call.write(AttachRequest(input=AttachRequest.Input(data=b"x")))
        await call.read()
    await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)


async def test_who_leaves_while_the_execution_ends_is_said_to_have_left(
    served: Served, runner: ScriptedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the runner's last words and the moment that they are written."""
    name = await running(served, runner)
    person = Person(served, name)
    await person.attach()
    closing, left = asyncio.Event(), asyncio.Event()
    quiet, let_go = LiveExecution.quiet, Attachments.let_go

    async def held(live: LiveExecution) -> None:
        closing.set()
        await left.wait()
        await quiet(live)

    async def leaving(attachments: Attachments, attachment: Attachment, reason: str) -> None:
        await let_go(attachments, attachment, reason)
        left.set()

    monkeypatch.setattr(LiveExecution, "quiet", held)
    monkeypatch.setattr(Attachments, "let_go", leaving)
    ending = asyncio.ensure_future(runner.complete(name))
    async with asyncio.timeout(PATIENCE):
        await closing.wait()
        person.vanish()
        await ending
    assert await attachments(served, name) == [("attached", ""), ("detached", "the connection was lost")]
