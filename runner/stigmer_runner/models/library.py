"""The one module that knows the model library: our requests to its requests, its events to ours.

Importing it takes seconds: on a thread, by `calling`. Of the library, `direct` alone is used, and of its messages
nothing is kept.
"""

import contextlib
import functools
import json
import ssl
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx2
from pydantic_ai import messages as library
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings as LibrarySettings
from pydantic_ai.tools import ToolDefinition

from stigmer_apis.providers import ANTHROPIC, OLLAMA
from stigmer_runner.models.advice import name_of
from stigmer_runner.models.calls import with_ids
from stigmer_runner.models.chat import ChatAnswer, Chats, conversation, sent_id
from stigmer_runner.models.config import CallLimits, ModelConfig
from stigmer_runner.models.failures import clip, cut, refusal
from stigmer_runner.models.port import (
    AssistantMessage,
    Done,
    Effort,
    Image,
    ModelError,
    ModelErrorCode,
    ModelEvent,
    ModelRequest,
    Reasoning,
    ReasoningPiece,
    StopReason,
    TextPiece,
    ToolCall,
    ToolMessage,
    ToolSpec,
    Usage,
    UserMessage,
)
from stigmer_runner.models.remembering import remembering
from stigmer_runner.models.surrogates import Joiner, whole
from stigmer_runner.models.wire import CALL_HEADER, Call, Wire

if TYPE_CHECKING:
    from stigmer_runner.models.plain_completions import PlainCompletions

NO_KEY: Final = "none"
"""What the library is told in place of a key: it wants one, and never sees one."""
_KEPT: Final = 16
"""Models of a provider that are kept at hand."""
_KEPT_TOOLS: Final = 512
_REASONING_FIELDS: Final = ("reasoning", "reasoning_content")
_MEDIA_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")

_Parts: TypeAlias = list[library.ModelRequestPart]


class Route:
    """The way to one provider at one address."""

    def __init__(self, provider: str, base_url: str, limits: CallLimits, tls: ssl.SSLContext) -> None:
        """Loads the provider's library: on a thread."""
        warnings.filterwarnings("ignore", module=r"pydantic_ai(\..*)?$")
        self.provider = provider
        self.base_url = base_url
        self.wire = Wire(provider, base_url, limits, tls)
        self._http = httpx2.AsyncClient(transport=self.wire, trust_env=False, follow_redirects=True)
        make, self._completions = _factory(provider, base_url, self._http)
        self._model = functools.lru_cache(maxsize=_KEPT)(remembering(make))
        self._chats = Chats(provider, _completions_url(provider, base_url), self.wire)
        self._tools: dict[int, tuple[ToolSpec, ToolDefinition]] = {}
        """By the identity of the one: the other, of calls before."""

    async def events(self, request: ModelRequest, config: ModelConfig, call: Call) -> AsyncGenerator[ModelEvent, None]:
        """What the provider says. Raises whatever the library raises, and ModelError."""
        pattern = self._chats.pattern(request) if self._completions is not None else None
        messages = conversation(request) if pattern is not None else None
        if pattern is not None and messages is not None:
            answer = await self._chats.ask(pattern, messages, call)
            if answer is not None:
                async for event in self._chatted(request, answer, call):
                    yield event
                return
        async for event in self._told(request, config, call):
            yield event

    async def _chatted(
        self, request: ModelRequest, events: AsyncIterator[bytes], call: Call
    ) -> AsyncGenerator[ModelEvent, None]:
        """What the provider says, without the library."""
        texts: list[str] = []
        joiner, answer = Joiner(), ChatAnswer()
        async with contextlib.aclosing(self._chats.texts(request.model, events, answer)) as pieces:
            async for piece in pieces:
                if whole := joiner.feed(piece):
                    texts.append(whole)
                    yield TextPiece(whole)
        if rest := joiner.rest():
            texts.append(rest)
            yield TextPiece(rest)
        yield _end(request, answer, "".join(texts), call)

    async def _told(self, request: ModelRequest, config: ModelConfig, call: Call) -> AsyncGenerator[ModelEvent, None]:
        """What the provider says, by the library."""
        async with model_request_stream(
            self._model(request.model),
            _messages(request),
            model_settings=_settings(request, config, call),
            model_request_parameters=ModelRequestParameters(function_tools=self._definitions(request.tools)),
            instrument=False,
        ) as stream:
            if self._completions is not None:
                self._chats.learn(request, self._completions.last, call)
            texts: list[str] = []
            joiner = Joiner()
            async for event in stream:
                match _piece(event):
                    case TextPiece(text):
                        if whole := joiner.feed(text):
                            texts.append(whole)
                            yield TextPiece(whole)
                    case ReasoningPiece() as piece:
                        yield piece
                    case None:
                        continue
            if rest := joiner.rest():
                texts.append(rest)
                yield TextPiece(rest)
            yield _done(request, stream, "".join(texts), call)

    def _definitions(self, tools: Sequence[ToolSpec]) -> list[ToolDefinition]:
        if len(self._tools) > _KEPT_TOOLS:
            self._tools.clear()
        return [self._definition(tool) for tool in tools]

    def _definition(self, tool: ToolSpec) -> ToolDefinition:
        known = self._tools.get(id(tool))
        if known is None:
            known = self._tools[id(tool)] = tool, _tool(tool)
        return known[1]

    async def aclose(self) -> None:
        """Ends every call under way."""
        await self._http.aclose()


def _completions_url(provider: str, base_url: str) -> str:
    return f"{base_url.rstrip('/')}/v1" if provider == OLLAMA else base_url.rstrip("/")


def _factory(
    provider: str, base_url: str, http: httpx2.AsyncClient
) -> tuple[Callable[[str], Model], "PlainCompletions | None"]:
    """What makes a model from its name, and how it asks where that is by completions. The library of one provider is loaded here, the others' are not."""
    if provider == ANTHROPIC:
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        anthropic = AnthropicProvider(
            anthropic_client=AsyncAnthropic(
                api_key=NO_KEY, base_url=base_url, http_client=http, max_retries=0, open_telemetry=False
            )
        )
        return lambda name: AnthropicModel(name, provider=anthropic), None
    from openai import AsyncOpenAI

    url = f"{base_url}/v1" if provider == OLLAMA else base_url
    from stigmer_runner.models.plain_completions import PlainCompletions

    client = AsyncOpenAI(api_key=NO_KEY, base_url=url, http_client=http, max_retries=0)
    completions = PlainCompletions.install(client)
    if provider == OLLAMA:
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        ollama = OllamaProvider(openai_client=client)
        return lambda name: OllamaModel(name, provider=ollama), completions
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    openai = OpenAIProvider(openai_client=client)
    return lambda name: OpenAIChatModel(name, provider=openai), completions


def _settings(request: ModelRequest, config: ModelConfig, call: Call) -> LibrarySettings:
    settings = LibrarySettings(extra_headers={CALL_HEADER: call.name})  # no `max_retries`: it would copy the client
    asked = request.settings
    if max_tokens := asked.max_tokens or config.max_tokens:
        settings["max_tokens"] = max_tokens
    temperature = asked.temperature if asked.temperature is not None else config.temperature
    if temperature is not None:
        settings["temperature"] = temperature
    match asked.reasoning:
        case Effort.DEFAULT:
            pass
        case Effort.NONE:
            settings["thinking"] = False
        case Effort.LOW:
            settings["thinking"] = "low"
        case Effort.MEDIUM:
            settings["thinking"] = "medium"
        case Effort.HIGH:
            settings["thinking"] = "high"
    if request.provider == OLLAMA and asked.reasoning not in (Effort.DEFAULT, Effort.NONE):
        from pydantic_ai.models.openai import OpenAIChatModelSettings

        return OpenAIChatModelSettings(**settings, openai_reasoning_effort=asked.reasoning.value)
    if request.provider == ANTHROPIC:
        from pydantic_ai.models.anthropic import AnthropicModelSettings

        return AnthropicModelSettings(
            **settings,
            anthropic_cache_instructions=True,
            anthropic_cache_tool_definitions=True,
            anthropic_cache_messages=True,
        )
    return settings


def _tool(tool: ToolSpec) -> ToolDefinition:
    return ToolDefinition(
        name=tool.name,
        description=tool.description,
        parameters_json_schema=dict(tool.parameters),
        strict=False,
    )


def _messages(request: ModelRequest) -> Sequence[library.ModelMessage]:
    """The conversation as the library wants it: what person and tools say until the model's turn is one message."""
    made: list[library.ModelMessage] = []
    parts: _Parts = []
    for message in request.messages:
        match message:
            case AssistantMessage():
                if parts:
                    made.append(library.ModelRequest(parts=parts))
                    parts = []
                made.append(_answer(message, request.provider))
            case UserMessage():
                parts += _user(message)
            case ToolMessage():
                parts.append(_result(message))
    made.append(library.ModelRequest(parts=parts, instructions=request.system or None))
    return made


def _user(message: UserMessage) -> _Parts:
    images = [_image(image) for image in message.attachments]
    if images:
        return [library.UserPromptPart([*([message.text] if message.text else []), *images])]
    return [library.UserPromptPart(message.text)] if message.text else []


def _result(message: ToolMessage) -> library.ModelRequestPart:
    images = [_image(image) for image in message.images]
    return library.ToolReturnPart(
        tool_name=message.name,
        content=[message.text, *images] if images else message.text,
        tool_call_id=sent_id(message.call_id),
        outcome="failed" if message.is_error else "success",
    )


def _image(image: Image) -> library.BinaryContent:
    if image.media_type not in _MEDIA_TYPES:
        named = f" {image.name}" if image.name else ""
        raise ModelError(
            ModelErrorCode.INVALID,
            f"The image{named} is {image.media_type}: models take PNG, JPEG, GIF and WebP. Convert it first.",
        )
    try:
        return library.BinaryContent(data=image.data, media_type=image.media_type)
    except ValueError:
        raise ModelError(ModelErrorCode.INVALID, f"The image {image.name} is damaged.") from None


def _answer(message: AssistantMessage, provider: str) -> library.ModelResponse:
    """The model's own words back to it, reasoning at the place where it was."""
    parts: list[library.ModelResponsePart] = []
    waiting = [each for each in message.reasoning if _comes_back(each, provider)]
    said = 0

    def reasoning(text_before: int, calls_before: int) -> Iterator[library.ModelResponsePart]:
        while waiting and (waiting[0].text_before <= text_before and waiting[0].calls_before <= calls_before):
            each = waiting.pop(0)
            yield library.ThinkingPart(
                each.text, id=each.id or None, signature=each.signature or None, provider_name=provider
            )

    for each in sorted({item.text_before for item in waiting if not item.calls_before}):
        if each > said:
            parts.append(library.TextPart(message.text[said:each]))
            said = each
        parts += reasoning(each, 0)
    if message.text[said:]:
        parts.append(library.TextPart(message.text[said:]))
    for number, call in enumerate(message.tool_calls):
        parts += reasoning(len(message.text), number)
        parts.append(
            library.ToolCallPart(
                tool_name=call.name,
                args=json.dumps({"unreadable_arguments": call.args_json}) if call.error else call.args_json,
                tool_call_id=sent_id(call.id),
            )
        )
    return library.ModelResponse(parts=parts, provider_name=provider)


def _comes_back(reasoning: Reasoning, provider: str) -> bool:
    """Whether the provider wants its reasoning back: with Anthropic's signature, or in a field of its own."""
    if reasoning.provider != provider:
        return False
    return bool(reasoning.signature) if provider == ANTHROPIC else reasoning.id in _REASONING_FIELDS


def _piece(event: library.ModelResponseStreamEvent) -> TextPiece | ReasoningPiece | None:
    match event:
        case library.PartStartEvent(part=library.TextPart(content=text)) if text:
            return TextPiece(text)
        case library.PartStartEvent(part=library.ThinkingPart(content=text)) if text:
            return ReasoningPiece(whole(text))
        case library.PartDeltaEvent(delta=library.TextPartDelta(content_delta=text)) if text:
            return TextPiece(text)
        case library.PartDeltaEvent(delta=library.ThinkingPartDelta(content_delta=text)) if text:
            return ReasoningPiece(whole(text))
        case _:
            return None


def _done(request: ModelRequest, stream: StreamedResponse, text: str, call: Call) -> Done:
    answer = stream.get()
    reasons = answer.finish_reason
    if reasons == "content_filter":
        words = (answer.provider_details or {}).get("refusal")
        raise refusal(request.provider, f"It says: {clip(words)}" if isinstance(words, str) and words else "")
    if not call.finished:
        raise cut(name_of(request.provider))
    calls = _calls(answer, request)
    if reasons == "length":
        stop = StopReason.MAX_TOKENS
    elif calls:
        stop = StopReason.TOOL_CALLS
    else:
        stop = StopReason.END
    message = AssistantMessage(text, tuple(_reasoning(answer, request.provider)), calls)
    return Done(message, _usage(answer), stop, answer.model_name or "")


def _end(request: ModelRequest, answer: ChatAnswer, text: str, call: Call) -> Done:
    """The same of an answer that was read here."""
    if answer.finish == "content_filter" or answer.refusal:
        raise refusal(request.provider, f"It says: {clip(answer.refusal)}" if answer.refusal else "")
    if not call.finished:
        raise cut(name_of(request.provider))
    shortened = answer.finish == "length"
    raw = [(each.id, each.name, each.arguments) for _, each in sorted(answer.calls.items()) if each.name]
    calls = with_ids(raw, request, shortened)
    stop = StopReason.MAX_TOKENS if shortened else StopReason.TOOL_CALLS if calls else StopReason.END
    return Done(AssistantMessage(text, (), calls), answer.usage, stop, answer.model)


def _calls(answer: library.ModelResponse, request: ModelRequest) -> tuple[ToolCall, ...]:
    """The calls of an answer."""
    raw: list[tuple[str, str, str]] = []
    for part in answer.parts:
        if isinstance(part, library.ToolCallPart):
            args = part.args if isinstance(part.args, str) else json.dumps(part.args or {})
            raw.append((part.tool_call_id, part.tool_name, args))
    return with_ids(raw, request, answer.finish_reason == "length")


def _reasoning(answer: library.ModelResponse, provider: str) -> Iterator[Reasoning]:
    text = calls = 0
    for part in answer.parts:
        match part:
            case library.TextPart():
                text += len(part.content)
            case library.ToolCallPart():
                calls += 1
            case library.ThinkingPart():
                yield Reasoning(whole(part.content), part.signature or "", provider, part.id or "", text, calls)
            case _:
                continue


def _usage(answer: library.ModelResponse) -> Usage:
    used = answer.usage
    return Usage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached_input_tokens=used.cache_read_tokens,
        cache_write_tokens=used.cache_write_tokens,
        reasoning_tokens=used.details.get("reasoning_tokens", 0),
    )
