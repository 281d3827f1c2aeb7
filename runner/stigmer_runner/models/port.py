"""One call of a model, as the loop sees it: what is asked, what streams back, and how it can fail.

Nothing here imports a provider's library. Messages, `Done`, `Usage` and `ModelSettings` are made of plain values, so that
temporalio's JSON converter (the journal's) carries them there and back, messages told apart by `role`; `ToolSpec` alone,
and with it a `ModelRequest` that has tools, is not for journals. The functions at the end do the same for other stores.
Fields are only ever added, with a default.
"""

import base64
import dataclasses
import enum
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, cast

from stigmer_runner.errors import RunnerError

JsonObject: TypeAlias = Mapping[str, object]
"""An object as `json` reads and writes it."""


@dataclass(frozen=True)
class Image:
    """A picture for a model."""

    media_type: str
    """`image/png`, `image/jpeg`, `image/gif`, `image/webp`."""
    base64: str = field(repr=False)
    """The bytes of the file, as standard base64."""
    name: str = ""
    """How the person or the tool calls it, empty where nobody did."""

    @classmethod
    def of(cls, media_type: str, data: bytes, name: str = "") -> "Image":
        """The picture in `data`."""
        return cls(media_type, base64.b64encode(data).decode(), name)

    @property
    def data(self) -> bytes:
        """The bytes of the file. Raises ValueError where `base64` is none."""
        return base64.b64decode(self.base64, validate=True)


@dataclass(frozen=True)
class Reasoning:
    """One stretch of a model's reasoning, with what its provider wants back with the next request."""

    text: str
    """As the provider shows it; empty where it is hidden."""
    signature: str = ""
    """Opaque, of the provider: sent back as it came. Empty where there is none."""
    provider: str = ""
    """Whose it is: another provider is never sent it."""
    id: str = ""
    """The provider's id of it, where it has one."""
    text_before: int = 0
    """Characters of the message's text that came before it."""
    calls_before: int = 0
    """Tool calls of the message that came before it."""


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model wants called."""

    id: str
    """Unique within the message, whatever the provider sent."""
    name: str
    args_json: str
    """The arguments exactly as the model wrote them: `{}` where it wrote nothing. A JSON object where `error` is empty."""
    error: str = ""
    """Why `args_json` is no JSON object, in words that can be given back to the model."""

    def arguments(self) -> JsonObject:
        """The arguments. Raises ValueError where they are no JSON object."""
        value: object = json.loads(self.args_json)
        if not isinstance(value, dict):
            raise ValueError("the arguments are no JSON object")
        return cast(JsonObject, value)


@dataclass(frozen=True)
class UserMessage:
    """What the person, or the loop for them, says."""

    text: str
    attachments: tuple[Image, ...] = ()
    role: Literal["user"] = "user"


@dataclass(frozen=True)
class AssistantMessage:
    """What the model said: text, and the tools that it wants called."""

    text: str
    reasoning: tuple[Reasoning, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True)
class ToolMessage:
    """What a tool call came to."""

    call_id: str
    name: str
    text: str
    is_error: bool = False
    images: tuple[Image, ...] = ()
    role: Literal["tool"] = "tool"


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True)
class ToolSpec:
    """A tool as a model sees it."""

    name: str
    """Letters, digits, `_` and `-`, at most 64."""
    description: str
    parameters: JsonObject
    """JSON Schema of its arguments: an object's."""


class Effort(enum.StrEnum):
    """How much a model thinks before it answers."""

    DEFAULT = ""
    """As the provider does it by itself."""
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class ModelSettings:
    """How a model is asked."""

    temperature: float | None = None
    """None: the provider's default."""
    max_tokens: int = 0
    """Most tokens of the answer; 0: the configuration's, or the provider's default."""
    reasoning: Effort = Effort.DEFAULT


@dataclass(frozen=True)
class ModelRequest:
    """One call: everything that the model is shown."""

    provider: str
    """`anthropic`, `openai` or `ollama`; see `choosing` for how a name becomes provider and model."""
    model: str
    """As the provider calls it."""
    system: str
    """Instructions, empty for none."""
    messages: tuple[Message, ...]
    """Oldest first. Every tool call of an assistant's message is answered by a tool's message before the next."""
    tools: tuple[ToolSpec, ...] = ()
    settings: ModelSettings = ModelSettings()


@dataclass(frozen=True)
class Usage:
    """What one call used."""

    input_tokens: int = 0
    """All that the model read, those from the provider's cache included."""
    output_tokens: int = 0
    """All that it wrote, reasoning included."""
    cached_input_tokens: int = 0
    """Of the input: read from the provider's cache."""
    cache_write_tokens: int = 0
    """Of the input: written to the provider's cache."""
    reasoning_tokens: int = 0
    """Of the output: reasoning, where the provider says so."""
    cost_micro_usd: int = 0
    """Millionths of a US dollar, 0 where the price is not known."""


class StopReason(enum.StrEnum):
    """Why a model stopped. A refusal is no stop but a ModelError."""

    END = "end"
    """It has said what it had to say."""
    TOOL_CALLS = "tool_calls"
    """It waits for tools."""
    MAX_TOKENS = "max_tokens"
    """The answer is as long as it may be: the last of it is missing."""


@dataclass(frozen=True)
class TextPiece:
    """More text: whatever arrived together, never empty."""

    text: str


@dataclass(frozen=True)
class ReasoningPiece:
    """More reasoning that may be shown, never empty."""

    text: str


@dataclass(frozen=True)
class Done:
    """The answer is whole; always the last event. Its message holds all pieces put together."""

    message: AssistantMessage
    usage: Usage
    stop: StopReason
    model: str = ""
    """The model that answered, as the provider names it; empty where it does not say."""


ModelEvent: TypeAlias = TextPiece | ReasoningPiece | Done


class ModelPort(Protocol):
    """Asks models."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """One call. Ends after `Done`, or raises ModelError; what was streamed before an error stays with the consumer.

        Nothing is tried again here. Closing the generator early (`contextlib.aclosing`) or cancelling the task that
        reads it closes the connection, and with it the call.
        """
        ...


class ModelErrorCode(enum.StrEnum):
    """What a provider's failure was, as `ModelCallFailed.code` of event.proto says it."""

    RATE_LIMITED = "rate_limited"
    """Too many requests; the provider may say when to come back."""
    OVERLOADED = "overloaded"
    """The provider cannot answer now: 5xx, `overloaded`."""
    CUT = "cut"
    """The connection ended before the answer did."""
    STALLED = "stalled"
    """Nothing came for too long, or the answer had no end."""
    MALFORMED = "malformed"
    """What came was no answer in the provider's format, or larger than one may be."""
    REFUSED = "refused"
    """The model, or a filter before it, would not answer."""
    TOO_LONG = "too_long"
    """The request does not fit the model's context."""
    UNAUTHORIZED = "unauthorized"
    """No key, or one that the provider does not take."""
    UNREACHABLE = "unreachable"
    """Nobody answers at the address."""
    UNKNOWN_MODEL = "unknown_model"
    """The provider has no such model."""
    INVALID = "invalid"
    """The provider does not take the request as it is: an image for a model without eyes, a setting that it lacks."""


RETRYABLE: Final = frozenset(
    {
        ModelErrorCode.RATE_LIMITED,
        ModelErrorCode.OVERLOADED,
        ModelErrorCode.CUT,
        ModelErrorCode.STALLED,
        ModelErrorCode.MALFORMED,
        ModelErrorCode.UNREACHABLE,
    }
)
"""Codes where asking again may help."""


class ModelError(RunnerError):
    """A provider's answer failed. The text is fit for a person and holds no key."""

    def __init__(
        self,
        code: ModelErrorCode,
        message: str,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        """Seconds that the provider asks to wait; None where it does not say."""
        self.retryable = code in RETRYABLE if retryable is None else retryable
        """Whether the same request may do better later."""


def message_to_json(message: Message) -> JsonObject:
    """A JSON object that `message_from_json` reads."""
    return dataclasses.asdict(message)


def message_from_json(value: JsonObject) -> Message:
    """The message that `message_to_json` wrote; unknown fields are left out. Raises ValueError where it is none."""
    role = value.get("role")
    try:
        match role:
            case "user":
                return UserMessage(_text(value, "text"), _images(value, "attachments"))
            case "assistant":
                return AssistantMessage(
                    _text(value, "text"),
                    tuple(_flat(Reasoning, item) for item in _items(value, "reasoning")),
                    tuple(_flat(ToolCall, item) for item in _items(value, "tool_calls")),
                )
            case "tool":
                return ToolMessage(
                    _text(value, "call_id"),
                    _text(value, "name"),
                    _text(value, "text"),
                    value.get("is_error") is True,
                    _images(value, "images"),
                )
            case _:
                raise ValueError(f"no message of role {role!r}")
    except TypeError as error:
        raise ValueError(f"no message: {error}") from error


def usage_to_json(usage: Usage) -> JsonObject:
    """A JSON object that `usage_from_json` reads."""
    return dataclasses.asdict(usage)


def usage_from_json(value: JsonObject) -> Usage:
    """The usage that `usage_to_json` wrote; unknown fields are left out."""
    return _flat(Usage, value)


_Flat = TypeVar("_Flat", Reasoning, ToolCall, Image, Usage)


def _flat(kind: type[_Flat], value: JsonObject) -> _Flat:
    """A dataclass of texts and numbers; every field of `value` has the type of the field's default, or is a text."""
    known: dict[str, str | int] = {}
    for item in dataclasses.fields(kind):
        given = value.get(item.name)
        wanted = int if isinstance(item.default, int) else str
        if isinstance(given, wanted):
            known[item.name] = given
        elif given is not None:
            raise TypeError(f"`{item.name}` is no {wanted.__name__}")
    return cast(_Flat, cast(Callable[..., object], kind)(**known))


def _text(value: JsonObject, name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise TypeError(f"`{name}` is no text")
    return text


def _items(value: JsonObject, name: str) -> Sequence[JsonObject]:
    items = value.get(name, ())
    if not isinstance(items, list | tuple):
        raise TypeError(f"`{name}` is no list")
    found: list[JsonObject] = []
    for item in cast(Sequence[object], items):
        if not isinstance(item, Mapping):
            raise TypeError(f"`{name}` holds what is no object")
        found.append(cast(JsonObject, item))
    return found


def _images(value: JsonObject, name: str) -> tuple[Image, ...]:
    return tuple(_flat(Image, item) for item in _items(value, name))
