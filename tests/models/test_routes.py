"""Every provider's route, over real HTTP against the scripted provider: what is asked, what streams back."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import (
    AssistantMessage,
    Effort,
    Image,
    JsonObject,
    ModelError,
    ModelErrorCode,
    ModelSettings,
    Reasoning,
    ReasoningPiece,
    StopReason,
    TextPiece,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from stigmer_runner.models.prices import Price, Prices
from stigmer_runner.models.scripted import Recorded, Script, ScriptedCall, ScriptedUsage, Turn
from tests.models.conftest import KEY, SHELL, Keys, asking, collect, request

PICTURE = Image.of("image/png", b"\x89PNG\r\n\x1a\n" + bytes(32), "shot.png")


def sent(recorded: Recorded) -> str:
    """The request's JSON as text."""
    return json.dumps(recorded.body, ensure_ascii=False)


def part(value: object, *path: str | int) -> object:
    """What stands at `path` in JSON."""
    for step in path:
        value = (
            cast(Sequence[object], value)[step] if isinstance(step, int) else cast(Mapping[str, object], value)[step]
        )
    return value


async def test_text_streams_and_comes_whole(provider_name: str) -> None:
    script = Script.of(Turn("Grüße, 世界 🌍!\n\n  Two  spaces.\n", usage=ScriptedUsage(100, 20)))
    async with asking(script) as (_, models):
        pieces, done = await collect(models, request(provider_name))
    assert done.message == AssistantMessage("Grüße, 世界 🌍!\n\n  Two  spaces.\n")
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == done.message.text
    assert done.stop is StopReason.END
    assert (done.usage.input_tokens, done.usage.output_tokens) == (100, 20)


async def test_pieces_come_as_the_provider_sends_them(provider_name: str) -> None:
    async with asking(Script.of(Turn("one two three four", token_delay=0.05))) as (_, models):
        pieces, _ = await collect(models, request(provider_name))
    assert len(pieces) >= 3


async def test_tools_go_there_and_back(provider_name: str) -> None:
    calls = (ScriptedCall("shell", {"cmd": "ls"}), ScriptedCall("shell", {"cmd": "pwd", "deep": {"a": [1, 2]}}))
    script = Script.of(Turn("I look.", calls=calls), Turn("Done.", expect="a.txt"))
    async with asking(script) as (provider, models):
        _, done = await collect(models, request(provider_name, tools=[SHELL], system="Be kind."))
        assert done.stop is StopReason.TOOL_CALLS
        assert [call.arguments() for call in done.message.tool_calls] == [call.args for call in calls]
        assert len({call.id for call in done.message.tool_calls}) == 2
        first, second = done.message.tool_calls
        _, end = await collect(
            models,
            request(
                provider_name,
                UserMessage("hello"),
                done.message,
                ToolMessage(first.id, "shell", "b.txt", is_error=True),
                ToolMessage(second.id, "shell", "a.txt"),
                tools=[SHELL],
                system="Be kind.",
            ),
        )
        assert end.message.text == "Done."
        again = sent(provider.requests[1])
    assert "Be kind." in again
    assert "Runs a command line." in again
    assert first.id in again
    assert second.id in again
    assert ('"is_error": true' in again) == (provider_name == "anthropic")


async def test_calls_come_back_with_ids_that_the_provider_takes(provider_name: str) -> None:
    call = ToolCall("toolu|of:another/provider " + "x" * 60, "shell", '{"cmd": "ls"}')
    async with asking(Script.of(Turn("x"), Turn("Done."))) as (provider, models):
        await collect(
            models,
            request(
                provider_name,
                UserMessage("hello"),
                AssistantMessage("", (), (call,)),
                ToolMessage(call.id, "shell", "out"),
            ),
        )
        said = sent(provider.requests[0])
    assert call.id not in said
    assert len(re.findall(r'"call_[0-9a-f]{24}"', said)) == 2


async def test_reasoning_streams(provider_name: str) -> None:
    async with asking(Script.of(Turn("Answer.", reasoning="First this, then that."))) as (_, models):
        pieces, done = await collect(models, request(provider_name))
    assert "".join(each.text for each in pieces if isinstance(each, ReasoningPiece)) == "First this, then that."
    assert [each.text for each in done.message.reasoning] == ["First this, then that."]
    assert done.message.text == "Answer."


async def test_anthropic_gets_its_reasoning_back_with_the_signature() -> None:
    script = Script.of(
        Turn("Look.", reasoning="Hm.", signature="c2lnbmVk", calls=(ScriptedCall("shell", {"cmd": "ls"}),)),
        Turn("Done."),
    )
    async with asking(script) as (provider, models):
        _, done = await collect(models, request("anthropic", tools=[SHELL]))
        assert done.message.reasoning[0].signature == "c2lnbmVk"
        result = ToolMessage(done.message.tool_calls[0].id, "shell", "out")
        conversation = (UserMessage("hello"), done.message, result)
        await collect(models, request("anthropic", *conversation, tools=[SHELL]))
        content = part(provider.requests[1].body, "messages", 1, "content")
        assert part(content, 0) == {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
        assert [part(each, "type") for each in cast(list[object], content)] == ["thinking", "text", "tool_use"]
        await collect(models, request("openai", *conversation, tools=[SHELL]))
        assert "c2lnbmVk" not in sent(provider.requests[2])
        assert "Hm." not in sent(provider.requests[2])


async def test_reasoning_goes_back_to_where_it_was() -> None:
    message = AssistantMessage(
        "before after",
        (
            Reasoning("r0", "s0", "anthropic"),
            Reasoning("r1", "s1", "anthropic", text_before=7),
            Reasoning("r2", "s2", "anthropic", "", 12, 1),
        ),
        (ToolCall("a", "shell", "{}"), ToolCall("b", "shell", "{}")),
    )
    async with asking(Script.of(Turn(), Turn("Done."))) as (provider, models):
        results = (ToolMessage("a", "shell", "x"), ToolMessage("b", "shell", "y"))
        await collect(models, request("anthropic", UserMessage("hello"), message, *results, tools=[SHELL]))
        content = cast(list[JsonObject], part(provider.requests[0].body, "messages", 1, "content"))
    assert [(each["type"], each.get("text") or each.get("signature") or each.get("id")) for each in content] == [
        ("thinking", "s0"),
        ("text", "before "),
        ("thinking", "s1"),
        ("text", "after"),
        ("tool_use", "a"),
        ("thinking", "s2"),
        ("tool_use", "b"),
    ]


async def test_images_are_shown(provider_name: str) -> None:
    model = "qwen2.5vl" if provider_name == "ollama" else ""
    async with asking(Script.of(Turn("I see."), Turn("And that."))) as (provider, models):
        _, done = await collect(models, request(provider_name, UserMessage("look", (PICTURE,)), model=model))
        assert done.message.text == "I see."
        assert PICTURE.base64 in sent(provider.requests[0])
        call = ToolCall("t1", "read", "{}")
        await collect(
            models,
            request(
                provider_name,
                UserMessage("look"),
                AssistantMessage("", (), (call,)),
                ToolMessage("t1", "read", "a picture", images=(PICTURE,)),
                model=model,
            ),
        )
        assert PICTURE.base64 in sent(provider.requests[1])


@pytest.mark.parametrize("image", [Image("image/tiff", "AAAA", "scan.tif"), Image("image/png", "no base64!", "x.png")])
async def test_what_is_no_image_is_not_sent(image: Image, provider_name: str) -> None:
    async with asking(Script.of(Turn("x"))) as (provider, models):
        with pytest.raises(ModelError) as caught:
            await collect(models, request(provider_name, UserMessage("look", (image,))))
        assert caught.value.code is ModelErrorCode.INVALID
        assert image.name in caught.value.message
        assert not provider.requests


async def test_usage_tells_what_was_cached(provider_name: str) -> None:
    script = Script.of(Turn("x", usage=ScriptedUsage(1_000, 50, cached=600, cache_write=100, reasoning=20)))
    async with asking(script) as (_, models):
        _, done = await collect(models, request(provider_name))
    used = done.usage
    assert (used.input_tokens, used.output_tokens, used.cached_input_tokens) == (1_000, 50, 600)
    if provider_name == "anthropic":
        assert used.cache_write_tokens == 100
    else:
        assert used.reasoning_tokens == 20


async def test_a_known_price_is_a_cost_and_an_unknown_one_is_none(provider_name: str) -> None:
    prices = Prices({f"{provider_name}/*": Price(3, 15, 0.3, 3.75)})
    script = Script.of(Turn("x", usage=ScriptedUsage(1_000, 50, cached=600)))
    async with asking(script, prices=prices) as (_, models):
        _, done = await collect(models, request(provider_name))
    assert done.usage.cost_micro_usd == 400 * 3 + 600 * 0.3 + 50 * 15
    async with asking(script) as (_, models):
        _, done = await collect(models, request(provider_name))
    assert done.usage.cost_micro_usd == 0


async def test_anthropic_is_told_what_to_cache() -> None:
    async with asking(Script.of(Turn("x"))) as (provider, models):
        await collect(models, request("anthropic", system="Be kind.", tools=[SHELL]))
        body = provider.requests[0].body
    assert part(body, "system", 0, "cache_control", "type") == "ephemeral"
    assert part(body, "tools", 0, "cache_control", "type") == "ephemeral"
    assert part(body, "messages", 0, "content", 0, "cache_control", "type") == "ephemeral"


async def test_settings_are_said_in_the_providers_words(provider_name: str) -> None:
    model = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-4o", "ollama": ""}[provider_name]
    async with asking(Script.of(Turn("x")), config=ModelConfig(max_tokens=77, temperature=0.1)) as (provider, models):
        await collect(models, request(provider_name, model=model))
        await collect(models, request(provider_name, model=model, settings=ModelSettings(0.5, 55)))
        bodies = [each.body for each in provider.requests]
    limits = [body.get("max_tokens", body.get("max_completion_tokens")) for body in bodies]
    assert limits == [77, 55]
    assert [body["temperature"] for body in bodies] == [0.1, 0.5]


@pytest.mark.parametrize("effort", list(Effort))
async def test_effort_is_said_in_the_providers_words(provider_name: str, effort: Effort) -> None:
    model = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5.1", "ollama": "gpt-oss"}[provider_name]
    async with asking(Script.of(Turn("x"))) as (provider, models):
        await collect(models, request(provider_name, model=model, settings=ModelSettings(reasoning=effort)))
        body = provider.requests[0].body
    match provider_name, effort:
        case "anthropic", Effort.DEFAULT:
            assert "thinking" not in body
        case "anthropic", Effort.NONE:
            assert body.get("thinking", {"type": "disabled"}) == {"type": "disabled"}
        case "anthropic", _:
            assert part(body, "thinking", "type") in ("enabled", "adaptive")
        case _, Effort.DEFAULT:
            assert "reasoning_effort" not in body
        case _, Effort.NONE:
            assert body.get("reasoning_effort", "none") in ("none", "low")
        case _:
            assert body["reasoning_effort"] == effort.value


async def test_an_answer_cut_for_its_length_says_so(provider_name: str) -> None:
    call = ScriptedCall("write", '{"path": "a", "content": "lo')
    async with asking(Script.of(Turn("Some", calls=(call,), cut_short=True))) as (_, models):
        _, done = await collect(models, request(provider_name))
    assert done.stop is StopReason.MAX_TOKENS
    assert "cut off" in done.message.tool_calls[0].error


async def test_the_key_is_in_the_providers_header_alone(provider_name: str) -> None:
    keys = Keys()
    async with asking(Script.of(Turn("x"), Turn("y")), keys=keys) as (provider, models):
        await collect(models, request(provider_name))
        keys.value = b"another-key-0123456789\n"
        await collect(models, request(provider_name))
        first, second = provider.requests
    header, prefix = ("x-api-key", "") if provider_name == "anthropic" else ("authorization", "Bearer ")
    assert first.headers[header] == prefix + KEY.decode()
    assert second.headers[header] == prefix + "another-key-0123456789"
    assert keys.asked == [provider_name, provider_name]
    assert KEY.decode() not in sent(first)
    assert not [name for name in first.headers if name.startswith("x-")] or provider_name == "anthropic"
    assert first.headers["user-agent"].startswith("stigmer/")
    assert "x-stigmer-call" not in first.headers


async def test_without_a_key_nothing_is_sent_to_the_providers_own_address() -> None:
    for provider in ("anthropic", "openai"):
        async with ProviderModels(ModelConfig(), Keys(b"")) as models:
            with pytest.raises(ModelError) as caught:
                await collect(models, request(provider))
        assert caught.value.code is ModelErrorCode.UNAUTHORIZED
        assert provider.upper() in caught.value.message


async def test_a_server_of_ones_own_needs_no_key(provider_name: str) -> None:
    async with asking(Script.of(Turn("x")), keys=Keys(b"")) as (provider, models):
        _, done = await collect(models, request(provider_name))
        assert done.message.text == "x"
        assert not {"authorization", "x-api-key"} & set(provider.requests[0].headers)


async def test_connections_are_kept(provider_name: str) -> None:
    async with asking(Script.of(Turn("x"))) as (provider, models):
        for _ in range(3):
            await collect(models, request(provider_name))
        assert provider.open_connections == 1
        assert provider.cut_off == 0


async def test_many_calls_at_once_do_not_mix(provider_name: str) -> None:
    import asyncio

    from stigmer_runner.models.scripted import Conversation

    script = Script(tuple(Conversation((Turn(f"answer {n} " * 20, token_delay=0.001),), f"<{n}>") for n in range(8)))
    async with asking(script) as (_, models):
        answers = await asyncio.gather(
            *(collect(models, request(provider_name, UserMessage(f"<{n}>"))) for n in range(8))
        )
    assert [done.message.text for _, done in answers] == [f"answer {n} " * 20 for n in range(8)]


async def test_an_unknown_provider_is_named() -> None:
    async with asking(Script.of(Turn("x"))) as (_, models):
        with pytest.raises(ModelError, match="There is no provider nobody"):
            await collect(models, request("nobody", model="x"))
