"""Searching a whole run on the server: every text, every terminal, however it was cut on the way."""

from collections.abc import Iterable

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MESSAGE_AI
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    SearchExecutionRequest,
    SearchExecutionResponse,
)
from stigmer_apis.errors import InvalidArgument, NotFound
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, finished, printed
from tests.support.served_backend import Served


async def found(served: Served, name: str, text: str, **more: int | bool) -> SearchExecutionResponse:
    """What a search ends with, all hits in it."""
    request = SearchExecutionRequest(execution_id=name, text=text, max_hits=100)
    for field, value in more.items():
        setattr(request, field, value)
    call = served.stubs.service.SearchExecution(request, metadata=served.stubs.metadata)
    hits: list[SearchExecutionResponse.Hit] = []
    last = SearchExecutionResponse()
    while isinstance(step := await call.read(), SearchExecutionResponse):
        assert step.matching_lines >= last.matching_lines
        hits += step.hits
        last = step
    assert last.done
    return SearchExecutionResponse(matching_lines=last.matching_lines, through_seq=last.through_seq, hits=hits)


def message(text: str, cut: int) -> Iterable[ev.Event]:
    """A message of a model, in pieces."""
    yield ev.Event(message_started=ev.MessageStarted(message_id="m", type=MESSAGE_AI))
    for start in range(0, len(text), cut):
        yield ev.Event(text_delta=ev.TextDelta(message_id="m", text=text[start : start + cut]))
    yield ev.Event(message_completed=ev.MessageCompleted(message_id="m", content=text))


async def written(served: Served, runner: ScriptedRunner, events: Iterable[ev.Event]) -> str:
    """A run with these events, which goes on."""
    name = (await served.run()).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "look for it")
    await runner.append(name, list(events))
    return name


async def test_lines_that_came_in_pieces_are_found_and_counted_once(served: Served, runner: ScriptedRunner) -> None:
    output = b"first \x1b[31mnee\x1b[0mdle\r\nnothing\r\nsecond needle"
    pieces = [printed("term-call-1", output[at : at + 5]) for at in range(0, len(output), 5)]
    name = await written(served, runner, [*message("a Needle in\nmany lines, needle", 4), *pieces])
    answer = await found(served, name, "needle")
    assert answer.matching_lines == 4
    assert [hit.part for hit in answer.hits] == ["message", "message", "output", "output"]
    assert (await found(served, name, "Needle")).matching_lines == 1
    assert (await found(served, name, "needle", match_case=True)).matching_lines == 3
    assert (await found(served, name, r"needle$", regex=True)).matching_lines == 3
    assert (await found(served, name, "needle", max_hits=1)).matching_lines == 4
    assert len((await found(served, name, "needle", max_hits=1)).hits) == 1


async def test_arguments_results_and_diffs_are_searched_too(served: Served, runner: ScriptedRunner) -> None:
    over = finished("call-1")
    over.tool_call_finished.result = "one hay\ntwo hay"
    changed = ev.Event(file_changed=ev.FileChanged(path="hay.py", diff="+hay\n-straw\n"))
    name = await written(served, runner, [changed, over])
    answer = await found(served, name, "hay")
    assert [(hit.part, hit.line) for hit in answer.hits] == [
        ("diff", "hay.py"),
        ("diff", "+hay"),
        ("result", "one hay"),
        ("result", "two hay"),
    ]
    assert (await found(served, name, "look for")).hits[-1].part == "call"
    assert (await found(served, name, "hay", after_seq=answer.hits[1].seq)).matching_lines == 2


async def test_large_output_is_counted_to_its_end(served: Served, runner: ScriptedRunner) -> None:
    chunk = b"".join(b"line %d\r\n" % number for number in range(2000))
    name = await written(served, runner, [printed("term-call-1", chunk) for _ in range(30)])
    assert (await found(served, name, r"line \d*7$", regex=True)).matching_lines == 30 * 200


@pytest.mark.parametrize(("expression", "line"), [("(a+)+$", b"a" * 60 + b"!\n"), ("(", b"x\n"), ("a" * 1001, b"x\n")])
async def test_what_is_wrong_or_takes_too_long_is_refused_and_the_daemon_goes_on(
    served: Served, runner: ScriptedRunner, expression: str, line: bytes
) -> None:
    name = await written(served, runner, [printed("term-call-1", line)])
    with refused(InvalidArgument):
        await found(served, name, expression, regex=True)
    assert (await found(served, name, "look for it")).matching_lines > 0


async def test_an_unknown_run(served: Served) -> None:
    with refused(NotFound):
        await found(served, "aex-nobody", "x")
