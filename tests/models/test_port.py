"""What goes into a journal comes out of it."""

import json

import pytest

from stigmer_runner.engine.payloads import CONVERTER
from stigmer_runner.models.port import (
    AssistantMessage,
    Done,
    Effort,
    Image,
    Message,
    ModelError,
    ModelErrorCode,
    ModelRequest,
    ModelSettings,
    Reasoning,
    StopReason,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
    message_from_json,
    message_to_json,
    usage_from_json,
    usage_to_json,
)

PICTURE = Image.of("image/png", b"\x89PNG\x00\xff", "shot.png")

MESSAGES: tuple[Message, ...] = (
    UserMessage("look", (PICTURE,)),
    UserMessage(""),
    AssistantMessage(
        "I look",
        (Reasoning("hm", "c2ln", "anthropic", "r1", 2, 1), Reasoning("", "hidden", "anthropic")),
        (ToolCall("t1", "shell", '{"cmd": "ls"}'), ToolCall("t2", "shell", '{"cmd', "no JSON")),
    ),
    AssistantMessage("done"),
    ToolMessage("t1", "shell", "a\nb", images=(PICTURE,)),
    ToolMessage("t2", "shell", "no", is_error=True),
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_survives_json(message: Message) -> None:
    assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="role"):
        message_from_json({"text": "x"})
    with pytest.raises(ValueError, match="text"):
        message_from_json({"role": "user", "text": 1})
    with pytest.raises(ValueError, match="no list"):
        message_from_json({"role": "user", "text": "x", "attachments": "y"})
    with pytest.raises(ValueError, match="no message"):
        message_from_json({"role": "assistant", "text": "x", "tool_calls": [{"id": "x"}]})


def test_usage_survives_json() -> None:
    usage = Usage(10, 5, 3, 2, 1, 42)
    assert usage_from_json(json.loads(json.dumps(usage_to_json(usage)))) == usage


def test_the_journal_carries_messages_and_answers() -> None:
    request = ModelRequest("anthropic", "claude-x", "be kind", MESSAGES, settings=ModelSettings(0.5, 100, Effort.HIGH))
    done = Done(AssistantMessage("x", (Reasoning("y"),)), Usage(1, 2), StopReason.TOOL_CALLS, "claude-x")
    payloads = CONVERTER.to_payloads([request, done])
    assert list(CONVERTER.from_payloads(payloads, [ModelRequest, Done])) == [request, done]


def test_arguments_are_an_object_or_an_error() -> None:
    assert ToolCall("t", "x", '{"a": 1}').arguments() == {"a": 1}
    for broken in ("[1]", "{", ""):
        with pytest.raises(ValueError):  # noqa: PT011
            ToolCall("t", "x", broken).arguments()


def test_pictures_are_not_printed() -> None:
    assert PICTURE.base64 not in repr(MESSAGES[0])
    assert PICTURE.data == b"\x89PNG\x00\xff"


def test_an_error_knows_whether_to_try_again() -> None:
    assert ModelError(ModelErrorCode.RATE_LIMITED, "later", 3.0).retryable
    assert not ModelError(ModelErrorCode.REFUSED, "no").retryable
    assert not ModelError(ModelErrorCode.MALFORMED, "no", retryable=False).retryable
