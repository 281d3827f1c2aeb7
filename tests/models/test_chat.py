"""What leaves the library out asks as the library asks, and understands what it understands."""

import re
from collections.abc import AsyncGenerator

import pytest

from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.library import Route
from stigmer_runner.models.port import (
    AssistantMessage,
    Done,
    Image,
    Message,
    ModelError,
    ModelEvent,
    ModelRequest,
    ModelSettings,
    Reasoning,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from stigmer_runner.models.scripted import Fault, FaultKind, Script, ScriptedCall, ScriptedUsage, Turn
from stigmer_runner.models.wire import Call
from tests.models.conftest import SHELL, asking, collect, request

TALK: tuple[Message, ...] = (
    UserMessage("Grüße"),
    AssistantMessage("I look.", (), (ToolCall("a", "shell", '{"cmd": "ls"}'), ToolCall("b c", "shell", "{}"))),
    ToolMessage("a", "shell", "one\ntwo"),
    ToolMessage("b c", "shell", "it failed", is_error=True),
    UserMessage("And?"),
    AssistantMessage("", (), (ToolCall("c", "shell", '{"cmd": "x"}'),)),
    ToolMessage("c", "shell", ""),
)

IN_STREAM = (
    FaultKind.UNFINISHED,
    FaultKind.MALFORMED,
    FaultKind.REFUSAL,
    FaultKind.OVERLOADED_MIDWAY,
)

TURNS = {
    "text": Turn("One, 世界 🌍!\n\n  Two.", usage=ScriptedUsage(100, 20)),
    "calls": Turn("Look.", calls=(ScriptedCall("shell", {"cmd": "ls"}), ScriptedCall("shell", {"cmd": "é"}))),
    "call alone": Turn(calls=(ScriptedCall("shell", {"cmd": "ls"}),)),
    "broken arguments": Turn(calls=(ScriptedCall("shell", '{"cmd": '),)),
    "cut short": Turn("More", cut_short=True),
    "reasoning": Turn("Done.", reasoning="I think."),
    "blanks first": Turn("\n\n Text."),
    "a tag first": Turn("<think>hm</think>Text."),
    "nothing": Turn(""),
    "overloaded": Turn(fault=Fault(FaultKind.STATUS, status=503)),
    "limited": Turn(fault=Fault(FaultKind.STATUS, status=429, retry_after=7)),
    "no model": Turn(fault=Fault(FaultKind.STATUS, status=404, message="model not found")),
    "not events": Turn(fault=Fault(FaultKind.NOT_EVENTS)),
    "redirected": Turn(fault=Fault(FaultKind.REDIRECT, location="http://127.0.0.1:9/elsewhere")),
    "unreadable calls": Turn(calls=(ScriptedCall("shell"), ScriptedCall("shell")), fault=Fault(FaultKind.BROKEN_JSON)),
    "ids twice": Turn(calls=(ScriptedCall("shell"), ScriptedCall("shell")), fault=Fault(FaultKind.DUPLICATE_IDS)),
    **{kind.value: Turn("one two three four", fault=Fault(kind, after=2)) for kind in IN_STREAM},
}
BY_LIBRARY = {"redirected", "reasoning", "blanks first", "a tag first", "nothing", "overloaded", "limited", "no model"}
"""What it reads, though it did not send it."""


@pytest.fixture(params=["openai", "ollama"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def by_library(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each request that the library sends or whose answer it reads."""
    told: list[str] = []
    real = Route._told  # pyright: ignore[reportPrivateUsage]

    async def counted(
        self: Route, request: ModelRequest, config: ModelConfig, call: Call
    ) -> AsyncGenerator[ModelEvent, None]:
        told.append(request.model)
        async for event in real(self, request, config, call):
            yield event

    monkeypatch.setattr(Route, "_told", counted)
    return told


async def answer(models: ProviderModels, asked: ModelRequest) -> tuple[str, Done | str]:
    """What streams, together, and the end."""
    try:
        pieces, done = await collect(models, asked)
    except ModelError as error:
        return "", f"{error.code}: {error.message}"
    return "".join(_text(piece) for piece in pieces), done


@pytest.mark.parametrize("what", list(TURNS))
async def test_it_understands_what_the_library_understands(name: str, what: str, by_library: list[str]) -> None:
    script = Script.of(Turn("first"), Turn("second"), TURNS[what])
    asked = request(name, *TALK, system="Be brief.", tools=(SHELL,))
    begun = request(name, *TALK[:4], system="Be brief.", tools=asked.tools)
    async with asking(script) as (_, models):
        theirs = await answer(models, asked)
    async with asking(script) as (_, models):
        await answer(models, begun)
        assert len(by_library) == 2
        ours = await answer(models, asked)
    assert len(by_library) == (3 if what in BY_LIBRARY else 2)
    assert _without_ports(ours) == _without_ports(theirs)


@pytest.mark.parametrize("system", ["", "Be brief."])
@pytest.mark.parametrize("settings", [ModelSettings(), ModelSettings(0.5, 100)])
async def test_it_sends_what_the_library_sends(
    name: str, system: str, settings: ModelSettings, by_library: list[str]
) -> None:
    asked = request(name, *TALK, system=system, tools=(SHELL,), settings=settings)
    async with asking(Script.of(Turn("first"), Turn("second"), Turn("third"))) as (provider, models):
        for _ in range(2):
            await answer(models, asked)
        theirs, ours = provider.requests
        assert len(by_library) == 1
        assert ours.body == theirs.body
        assert (ours.method, ours.path) == (theirs.method, theirs.path)
        headers = {key: value for key, value in theirs.headers.items() if key != "content-length"}
        assert {key: value for key, value in ours.headers.items() if key != "content-length"} == headers


async def test_what_one_run_taught_serves_another_with_other_instructions(name: str, by_library: list[str]) -> None:
    taught, asked = (request(name, *TALK, system=system, tools=(SHELL,)) for system in ("In /one.", "In /other."))
    async with asking(Script.of(Turn("first"), Turn("second"))) as (provider, models):
        for each in (taught, asked):
            await answer(models, each)
        assert len(by_library) == 1
        assert "In /other." in str(provider.requests[1].body)
    async with asking(Script.of(Turn("first"))) as (theirs, models):
        await answer(models, asked)
        assert provider.requests[1].body == theirs.requests[0].body


async def test_what_the_library_alone_can_say_is_left_to_it(name: str, by_library: list[str]) -> None:
    kinds: list[tuple[Message, ...]] = [
        (*TALK, UserMessage("See", (Image.of("image/png", b"\x89PNG\r\n\x1a\n" + bytes(32)),))),
        (AssistantMessage("Hm", (Reasoning("so", "", name, "reasoning"),)), UserMessage("on")),
        (AssistantMessage("", (), (ToolCall("a", "shell", "{", "no JSON"),)), ToolMessage("a", "shell", "no")),
    ]
    async with asking(Script.of(*(Turn("said") for _ in range(9)))) as (_, models):
        for _ in range(2):
            await answer(models, request(name, *TALK))
        assert len(by_library) == 1
        for number, kind in enumerate(kinds, 2):
            await answer(models, request(name, *(kind if kind[0] is TALK[0] else (UserMessage("Hi"), *kind))))
            assert len(by_library) == number


def _without_ports(told: tuple[str, Done | str]) -> tuple[str, Done | str]:
    text, end = told
    return text, re.sub(r":[0-9]+", "", end) if isinstance(end, str) else end


def _text(piece: ModelEvent) -> str:
    return "" if isinstance(piece, Done) else piece.text
