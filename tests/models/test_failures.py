"""Everything that a provider can do wrong, on every route: what it is called, and that nothing leaks."""

import asyncio
import dataclasses
import logging
import socket
import traceback
from contextlib import aclosing

import pytest

from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import CallLimits, ModelConfig
from stigmer_runner.models.port import (
    Image,
    ModelError,
    ModelErrorCode,
    ModelEvent,
    StopReason,
    TextPiece,
    UserMessage,
)
from stigmer_runner.models.scripted import Fault, FaultKind, Script, ScriptedCall, ScriptedProvider, Turn
from tests.models.conftest import KEY, SHELL, Keys, asking, collect, request
from tests.support.waiting import eventually

SAID = "one two three four five six seven eight nine ten"
QUICK = CallLimits(connect=2, first_byte=0.5, stall=0.3, whole=30)


async def failing(models: ProviderModels, provider: str, *messages: UserMessage) -> tuple[str, ModelError]:
    """What was said before the failure, and the failure."""
    said: list[str] = []

    async def read() -> None:
        async with aclosing(models.stream(request(provider, *messages))) as events:
            async for event in events:
                if isinstance(event, TextPiece):
                    said.append(event.text)

    with pytest.raises(ModelError) as caught:
        await read()
    return "".join(said), caught.value


def faulty(fault: Fault) -> Script:
    """A script of one turn that goes wrong."""
    return Script.of(Turn(SAID, fault=fault))


CODES = [
    (Fault(FaultKind.STATUS, status=429, retry_after=7), ModelErrorCode.RATE_LIMITED, True),
    (Fault(FaultKind.STATUS, status=529), ModelErrorCode.OVERLOADED, True),
    (Fault(FaultKind.STATUS, status=503, retry_after=3), ModelErrorCode.OVERLOADED, True),
    (Fault(FaultKind.STATUS, status=500), ModelErrorCode.OVERLOADED, True),
    (Fault(FaultKind.STATUS, status=401), ModelErrorCode.UNAUTHORIZED, False),
    (Fault(FaultKind.STATUS, status=403), ModelErrorCode.UNAUTHORIZED, False),
    (Fault(FaultKind.STATUS, status=400, message="tools: bad schema"), ModelErrorCode.INVALID, False),
    (Fault(FaultKind.STATUS, status=413), ModelErrorCode.TOO_LONG, False),
    (Fault(FaultKind.OVERFLOW), ModelErrorCode.TOO_LONG, False),
    (Fault(FaultKind.UNKNOWN_MODEL), ModelErrorCode.UNKNOWN_MODEL, False),
    (Fault(FaultKind.BLIND), ModelErrorCode.INVALID, False),
    (Fault(FaultKind.NOT_EVENTS), ModelErrorCode.MALFORMED, False),
]


@pytest.mark.parametrize(("fault", "code", "retryable"), CODES, ids=lambda each: getattr(each, "value", None))
async def test_a_refused_request_is_what_it_is(
    fault: Fault, code: ModelErrorCode, retryable: bool, provider_name: str
) -> None:
    async with asking(faulty(fault)) as (provider, models):
        _, error = await failing(models, provider_name)
        assert (error.code, error.retryable) == (code, retryable), error.message
        assert error.retry_after == fault.retry_after
        assert len(provider.requests) == 1, "the library tried again by itself"
    assert fault.message in error.message


async def test_an_image_for_a_model_without_eyes_says_how_to_go_on(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.BLIND))) as (_, models):
        _, error = await failing(models, provider_name, UserMessage("look", (Image.of("image/png", b"x"),)))
    assert error.code is ModelErrorCode.INVALID
    assert "cannot see images" in error.message
    assert "/model" in error.message


async def test_an_account_without_credit_is_not_asked_again() -> None:
    credit = "Your credit balance is too low to access the Anthropic API."
    async with asking(faulty(Fault(FaultKind.STATUS, status=400, message=credit))) as (_, models):
        _, error = await failing(models, "anthropic")
    assert (error.code, error.retryable) == (ModelErrorCode.RATE_LIMITED, False)
    assert "no credit" in error.message


@pytest.mark.parametrize("after", [0, 40, 700, 900])
async def test_a_cut_stream_keeps_what_was_said(provider_name: str, after: int) -> None:
    async with asking(faulty(Fault(FaultKind.CUT, after=after))) as (_, models):
        said, error = await failing(models, provider_name)
    assert (error.code, error.retryable) == (ModelErrorCode.CUT, True), error.message
    assert SAID.startswith(said)
    assert said or after < 900


async def test_an_answer_without_its_end_is_cut(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.UNFINISHED))) as (_, models):
        said, error = await failing(models, provider_name)
    assert error.code is ModelErrorCode.CUT
    assert said == SAID


async def test_a_malformed_event_ends_it_where_it_is(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.MALFORMED))) as (_, models):
        said, error = await failing(models, provider_name)
    assert (error.code, error.retryable) == (ModelErrorCode.MALFORMED, True)
    assert SAID.startswith(said)
    assert said


async def test_overload_in_the_middle_is_overload(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.OVERLOADED_MIDWAY))) as (_, models):
        said, error = await failing(models, provider_name)
    assert (error.code, error.retryable) == (ModelErrorCode.OVERLOADED, True), error.message
    assert SAID.startswith(said)
    assert said


async def test_silence_is_a_stall(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.SILENT)), limits=QUICK) as (provider, models):
        _, error = await failing(models, provider_name)
        assert (error.code, error.retryable) == (ModelErrorCode.STALLED, True)
        await eventually(lambda: provider.open_connections == 0)


async def test_a_stall_in_the_middle_is_one(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.STALL, after=900)), limits=QUICK) as (provider, models):
        said, error = await failing(models, provider_name)
        assert error.code is ModelErrorCode.STALLED
        assert "in the middle" in error.message
        assert SAID.startswith(said)
        assert said
        await eventually(lambda: provider.open_connections == 0)


async def test_an_endless_answer_is_ended(provider_name: str) -> None:
    limits = CallLimits(largest_answer=2 * 1024 * 1024)
    async with asking(faulty(Fault(FaultKind.ENDLESS)), limits=limits) as (provider, models):
        said, error = await failing(models, provider_name)
        assert error.code is ModelErrorCode.STALLED
        assert "no end" in error.message
        assert said.startswith(SAID)
        await eventually(lambda: provider.open_connections == 0)


async def test_an_answer_that_takes_for_ever_is_ended(provider_name: str) -> None:
    script = Script.of(Turn("on and " * 1000, token_delay=0.02))
    limits = dataclasses.replace(QUICK, whole=0.5)
    async with asking(script, limits=limits) as (_, models):
        said, error = await failing(models, provider_name)
    assert error.code is ModelErrorCode.STALLED
    assert said


async def test_a_line_of_100_mb_is_not_read(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.HUGE_LINE))) as (provider, models):
        _, error = await failing(models, provider_name)
        assert error.code is ModelErrorCode.MALFORMED
        assert "16 MiB" in error.message
        await eventually(lambda: provider.open_connections == 0)


async def test_equal_ids_are_made_different(provider_name: str) -> None:
    calls = (ScriptedCall("shell", {"cmd": "a"}), ScriptedCall("shell", {"cmd": "b"}), ScriptedCall("shell"))
    fault = Fault(FaultKind.DUPLICATE_IDS)
    async with asking(Script.of(Turn(calls=calls, fault=fault), Turn(calls=calls, fault=fault))) as (_, models):
        _, done = await collect(models, request(provider_name, tools=[SHELL]))
        assert [call.id for call in done.message.tool_calls] == ["call_same", "call_same_2", "call_same_3"]
        assert [call.args_json for call in done.message.tool_calls] == ['{"cmd": "a"}', '{"cmd": "b"}', "{}"]
        conversation = (UserMessage("hello"), done.message)
        _, again = await collect(models, request(provider_name, *conversation, tools=[SHELL]))
        assert [call.id for call in again.message.tool_calls] == ["call_same_4", "call_same_5", "call_same_6"]


@pytest.mark.parametrize("args", ['{"cmd": "ls"', "not JSON", "[1, 2]", '"text"', "{" * 5000])
async def test_broken_arguments_are_handed_over_as_they_are(provider_name: str, args: str) -> None:
    script = Script.of(Turn(calls=(ScriptedCall("shell", args),)), Turn("Sorry."))
    async with asking(script) as (provider, models):
        _, done = await collect(models, request(provider_name, tools=[SHELL]))
        call = done.message.tool_calls[0]
        assert call.args_json == args
        assert call.error
        assert done.stop is StopReason.TOOL_CALLS
        _, end = await collect(models, request(provider_name, UserMessage("hello"), done.message, tools=[SHELL]))
        assert end.message.text == "Sorry."
        assert "unreadable_arguments" in str(provider.requests[1].body)


async def test_a_refusal_is_one(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.REFUSAL))) as (_, models):
        said, error = await failing(models, provider_name)
    assert (error.code, error.retryable) == (ModelErrorCode.REFUSED, False)
    assert said == SAID


async def test_a_redirect_to_another_host_is_not_followed(provider_name: str) -> None:
    async with ScriptedProvider(Script.of(Turn("I am somebody else."))) as other:
        for location in (f"{other.url}/v1/messages", "http://169.254.169.254/v1", "file:///etc/passwd"):
            async with asking(faulty(Fault(FaultKind.REDIRECT, location=location))) as (_, models):
                _, error = await failing(models, provider_name)
            assert (error.code, error.retryable) == (ModelErrorCode.UNREACHABLE, False), error.message
        assert not other.requests


async def test_a_redirect_in_a_circle_ends(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.REDIRECT, location="?again"))) as (_, models):
        _, error = await failing(models, provider_name)
    assert error.code is ModelErrorCode.UNREACHABLE


async def test_nobody_there_says_what_to_do(provider_name: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with ProviderModels(ModelConfig(base_urls={provider_name: url}), Keys()) as models:
            _, error = await failing(models, provider_name)
    assert (error.code, error.retryable) == (ModelErrorCode.UNREACHABLE, True)
    assert url in error.message
    if provider_name == "ollama":
        assert "ollama serve" in error.message


async def test_an_unknown_model_of_ollama_says_how_to_get_it() -> None:
    async with asking(faulty(Fault(FaultKind.UNKNOWN_MODEL))) as (_, models):
        _, error = await failing(models, "ollama")
    assert "stigmer models pull qwen2.5-coder" in error.message


async def test_what_is_no_http_is_malformed_or_cut(provider_name: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, ProviderModels(ModelConfig(base_urls={provider_name: url}), Keys()) as models:
        _, error = await failing(models, provider_name)
    assert error.code in (ModelErrorCode.CUT, ModelErrorCode.MALFORMED)


@pytest.mark.parametrize("bad", [b"two words", "schlüssel".encode(), b"line\nend", b"nul\0"])
async def test_a_key_that_cannot_be_one_is_not_sent(bad: bytes, provider_name: str) -> None:
    async with asking(Script.of(Turn("x")), keys=Keys(bad)) as (provider, models):
        _, error = await failing(models, provider_name)
        assert error.code is ModelErrorCode.UNAUTHORIZED
        assert bad.decode() not in error.message
        assert not provider.requests


LEAKY = [
    Fault(FaultKind.STATUS, status=401, message=f"Incorrect API key provided: {KEY.decode()}."),
    Fault(FaultKind.STATUS, status=400, message=f"header x-api-key={KEY.decode()[:14]}... is strange"),
    Fault(FaultKind.STATUS, status=500, message=f"... {KEY.decode()[-12:]}"),
    Fault(FaultKind.CUT, after=700),
    Fault(FaultKind.MALFORMED),
    Fault(FaultKind.REDIRECT, location="http://elsewhere.example/"),
    Fault(FaultKind.OVERLOADED_MIDWAY),
]


@pytest.mark.parametrize("fault", LEAKY, ids=lambda each: each.kind.value)
async def test_the_key_is_in_no_error_and_no_log(
    fault: Fault, provider_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with asking(faulty(fault)) as (_, models):
        _, error = await failing(models, provider_name)
    seen = "".join(
        [*traceback.format_exception(error), repr(error), repr(vars(error)), repr(models), caplog.text]
        + [str(record.args) for record in caplog.records]
    )
    assert error.__context__ is None
    assert error.__cause__ is None
    for length in range(10, len(KEY)):
        assert KEY.decode()[:length] not in seen
        assert KEY.decode()[-length:] not in seen


async def test_closing_the_stream_closes_the_connection(provider_name: str) -> None:
    async with asking(Script.of(Turn("on and " * 1000, token_delay=0.01))) as (provider, models):
        async with aclosing(models.stream(request(provider_name))) as events:
            async for _ in events:
                break
        await eventually(lambda: provider.open_connections == 0 and provider.cut_off == 1)


async def test_cancelling_the_task_closes_the_connection(provider_name: str) -> None:
    async with asking(Script.of(Turn("on and " * 1000, token_delay=0.01))) as (provider, models):
        seen: list[ModelEvent] = []
        began = asyncio.Event()

        async def read() -> None:
            async with aclosing(models.stream(request(provider_name))) as events:
                async for event in events:
                    seen.append(event)
                    began.set()

        task = asyncio.create_task(read())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen
        await eventually(lambda: provider.open_connections == 0 and provider.cut_off == 1)


async def test_a_connection_that_the_provider_closed_meanwhile_is_no_failure(provider_name: str) -> None:
    script = Script.of(Turn(SAID))
    async with asking(script) as (provider, models):
        await collect(models, request(provider_name))
        await provider.drop_connections()
        _, done = await collect(models, request(provider_name))
        assert done.message.text == SAID


async def test_a_failure_that_passes_is_followed_by_an_answer(provider_name: str) -> None:
    async with asking(faulty(Fault(FaultKind.STATUS, status=529, times=2))) as (_, models):
        for _ in range(2):
            await failing(models, provider_name)
        _, done = await collect(models, request(provider_name))
        assert done.message.text == SAID


@pytest.mark.parametrize("text", ["\ud83d", "x\ude00y", "\ud83d\ud83d\ude00", "a\0b"])
async def test_halves_of_characters_do_not_come_out(text: str, provider_name: str) -> None:
    async with asking(Script.of(Turn(f"{text} end"))) as (_, models):
        pieces, done = await collect(models, request(provider_name))
    for piece in pieces:
        assert isinstance(piece, TextPiece)
        piece.text.encode()
    assert done.message.text == "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
    assert done.message.text.endswith(" end")
