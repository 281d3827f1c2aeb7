"""A model's provider that says what a script says, over loopback HTTP, in the wire formats of Anthropic, OpenAI and Ollama.

Public: for tests of anything that talks to models, and for demonstrations. See `docs/scripted-provider.md`.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, cast
from urllib.parse import urlsplit

from stigmer_runner.models.scripted.formats import (
    Answer,
    AnthropicFormat,
    Body,
    Format,
    OllamaFormat,
    OpenAIFormat,
    counted,
)
from stigmer_runner.models.scripted.script import Conversation, Fault, FaultKind, Script, Turn

_LARGEST_REQUEST: Final = 64 * 1024 * 1024
_REASONS: Final = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
_AT_ONCE: Final = 64 * 1024
"""Bytes of an answer without delays that are handed to the socket at once."""


@dataclass(frozen=True)
class Recorded:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: Body
    """Its JSON; empty where it had none."""


@dataclass(eq=False)
class _Asked:
    """How often faults were played, by conversation and turn."""

    played: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def plays(self, place: tuple[int, int], fault: Fault) -> bool:
        count = self.played.get(place, 0)
        if fault.times and count >= fault.times:
            return False
        self.played[place] = count + 1
        return True


class ScriptedProvider:
    """Serves one script on a loopback port. An async context manager; `url` is where.

    A client's base URL is `url` for Anthropic and Ollama, `url + "/v1"` for OpenAI.
    """

    def __init__(
        self, script: Script, *, port: int = 0, record: bool = True, tls: ssl.SSLContext | None = None
    ) -> None:
        """`port` 0: any that is free. `record`: whether requests are kept in `requests`. `tls`: serve HTTPS with it."""
        self._tls = tls
        self._script = script
        self._port = port
        self._record = record
        self._server: asyncio.Server | None = None
        self._asked = _Asked()
        self._models = [script.model]
        self._open: set[asyncio.Task[None]] = set()
        self.requests: list[Recorded] = []
        """What was asked, oldest first."""
        self.cut_off = 0
        """Answers that the client did not read to their end."""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or `https:` with TLS."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}"

    @property
    def open_connections(self) -> int:
        """Connections that stand."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop_connections()
        await self._server.wait_closed()

    async def drop_connections(self) -> None:
        """Closes every connection, as a provider does with those that were idle for long."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def serve_forever(self) -> None:
        """Until cancelled."""
        assert self._server is not None
        await self._server.serve_forever()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                if self._record:
                    self.requests.append(request)
                if not await self._reply(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            self.cut_off += 1
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _reply(self, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        path = urlsplit(request.path).path
        form = _format(path)
        if request.method == "POST" and form is not None:
            return await self._answer(form, request, reader, writer)
        if request.method == "POST" and path == "/api/pull":
            await self._pull(str(request.body.get("model", "")), writer)
            return True
        listing = self._listing(path, request.body)
        await _send_json(
            writer, 200 if listing is not None else 404, listing or {"error": f"{path} is not served here"}
        )
        return True

    def _listing(self, path: str, body: Body) -> Body | None:
        name = self._script.model
        match path:
            case "/api/tags":
                return {"models": [_listed(each, age) for age, each in enumerate(self._models)]}
            case "/api/version":
                return {"version": "0.0.0-scripted"}
            case "/api/show":
                return {"capabilities": ["completion", "tools", "vision"], "model": body.get("model", name)}
            case "/v1/models":
                return {"object": "list", "data": [{"id": name, "object": "model"}]}
            case _:
                return None

    async def _pull(self, name: str, writer: asyncio.StreamWriter) -> None:
        """Gets a model in steps, as Ollama does."""
        size, digest = 4_000_000_000, "sha256:" + "0" * 64
        steps: list[Body] = [{"status": "pulling manifest"}]
        if name in self._script.pullable:
            steps += [
                {"status": "pulling 000000000000", "digest": digest, "total": size, "completed": size * part // 4}
                for part in range(5)
            ]
            steps += [{"status": "verifying sha256 digest"}, {"status": "success"}]
            self._models.append(name)
        else:
            steps.append({"error": "pull model manifest: file does not exist"})
        lines = b"".join(json.dumps(step).encode() + b"\n" for step in steps)
        await _send(writer, 200, "application/x-ndjson", lines)

    async def _answer(
        self, form: Format, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        model = str(request.body.get("model", self._script.model))
        turn, place = self._turn(request.body)
        if turn.expect and turn.expect not in json.dumps(_messages(request.body)[-1:], ensure_ascii=False):
            complaint = f"the script expects `{turn.expect}` in the last message of turn {place[1] + 1}"
            await _send_json(writer, 400, form.error(Fault(FaultKind.STATUS, status=400, message=complaint), model)[1])
            return True
        if turn.fault is not None and not self._asked.plays(place, turn.fault):
            turn = dataclasses.replace(turn, fault=None)
        answer = Answer(turn, place[1] + 1, model, counted(turn, request.body))
        if turn.delay:
            await asyncio.sleep(turn.delay)
        if (
            turn.fault is not None
            and (replied := await self._instead(turn.fault, form, model, reader, writer)) is not None
        ):
            return replied
        if request.body.get("stream", "/api/" in request.path) is not True:
            await _send_json(writer, 200, form.whole(answer))
            return True
        return await self._stream(form, answer, reader, writer)

    def _turn(self, body: Body) -> tuple[Turn, tuple[int, int]]:
        """The turn that answers, and its place: conversation and turn."""
        messages = _messages(body)
        beginning = json.dumps([body.get("system"), messages[:2]], ensure_ascii=False)
        fits = [
            (index, each)
            for index, each in enumerate(self._script.conversations)
            if each.when and each.when in beginning
        ] or [(index, each) for index, each in enumerate(self._script.conversations) if not each.when]
        if not fits:
            return Turn("(The script has nothing to say to this.)"), (len(self._script.conversations), 0)
        index, conversation = fits[0]
        over = sum(1 for message in messages if message.get("role") == "assistant")
        return _turn_number(conversation, over), (index, over)

    async def _instead(
        self, fault: Fault, form: Format, model: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool | None:
        """What is sent in place of an answer, and whether the connection goes on; None where an answer comes."""
        match fault.kind:
            case FaultKind.STATUS | FaultKind.OVERFLOW | FaultKind.UNKNOWN_MODEL | FaultKind.BLIND:
                status, body = form.error(fault, model)
                extra = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
                await _send_json(writer, status, body, extra)
                return True
            case FaultKind.REDIRECT:
                await _send_json(writer, 307, {}, {"location": fault.location})
                return True
            case FaultKind.NOT_EVENTS:
                await _send(writer, 200, "text/html", b"<html><body>Sign in</body></html>")
                return True
            case FaultKind.SILENT:
                await _until_gone(reader)
                self.cut_off += 1
                return False
            case _:
                return None

    async def _stream(
        self, form: Format, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        turn, fault = answer.turn, answer.turn.fault
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {form.content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        events: Iterable[bytes] = form.events(answer)
        match fault.kind if fault is not None else None:
            case None | FaultKind.REFUSAL | FaultKind.DUPLICATE_IDS | FaultKind.BROKEN_JSON:
                pass
            case FaultKind.UNFINISHED:
                events = (event for event in events if not form.ends(event))
            case FaultKind.MALFORMED:
                events = _broken(list(events), b'data: {"type": "content_block_delta", "index"\n\n')
            case FaultKind.OVERLOADED_MIDWAY:
                events = _broken(list(events), form.error_event())
            case FaultKind.ENDLESS:
                first = [event for event in events if not form.ends(event)]
                events = itertools.chain(first, itertools.repeat(form.token(" and on")))
            case FaultKind.HUGE_LINE:
                assert fault is not None
                await _send_huge(writer, fault.size)
                return False
            case _:
                assert fault is not None
                await self._part(fault, events, reader, writer)
                return False
        if not await self._send_events(events, turn.token_delay, reader, writer):
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _part(
        self, fault: Fault, events: Iterable[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The first bytes of an answer, and then the end of the connection, or nothing."""
        data = b"".join(events)[: fault.after]
        if data:
            writer.write(_chunk(data))
            await writer.drain()
        if fault.kind is FaultKind.STALL:
            await _until_gone(reader)
            self.cut_off += 1

    async def _send_events(
        self, events: Iterable[bytes], delay: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the client read them all."""
        pending: list[bytes] = []
        size = 0
        for event in events:
            if delay:
                await asyncio.sleep(delay)
            if reader.at_eof() or writer.is_closing():
                self.cut_off += 1
                return False
            pending.append(_chunk(event))
            size += len(event)
            if delay or size >= _AT_ONCE:
                writer.write(b"".join(pending))
                pending.clear()
                size = 0
                await writer.drain()
        writer.write(b"".join(pending))
        return True


def _listed(name: str, age: int) -> Body:
    details = {"family": "scripted", "parameter_size": "7.6B", "quantization_level": "Q4_K_M"}
    return {
        "name": name,
        "model": name,
        "size": 4_700_000_000,
        "modified_at": f"2023-11-14T22:13:{20 + age}Z",
        "details": details,
    }


def _turn_number(conversation: Conversation, over: int) -> Turn:
    if over < len(conversation.turns):
        return conversation.turns[over]
    last = [turn for turn in conversation.turns if not turn.calls]
    return last[-1] if last else Turn("(The script is over.)")


def _messages(body: Body) -> Sequence[Mapping[str, object]]:
    messages = body.get("messages")
    return cast(Sequence[Mapping[str, object]], messages) if isinstance(messages, list) else ()


def _format(path: str) -> Format | None:
    match path:
        case "/v1/messages":
            return AnthropicFormat()
        case "/v1/chat/completions" | "/chat/completions":
            return OpenAIFormat()
        case "/api/chat":
            return OllamaFormat()
        case _:
            return None


def _broken(events: list[bytes], event: bytes) -> Iterable[bytes]:
    """`event` in the middle of `events`."""
    return [*events[: len(events) // 2], event, *events[len(events) // 2 :]]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _send_huge(writer: asyncio.StreamWriter, size: int) -> None:
    start, piece = b'data: {"text": "', b"x" * (256 * 1024)
    writer.write(_chunk(start))
    sent = 0
    while sent < size:
        writer.write(_chunk(piece))
        sent += len(piece)
        await writer.drain()


async def _until_gone(reader: asyncio.StreamReader) -> None:
    """Until the client closes the connection."""
    while await reader.read(65536):
        pass


async def _send_json(
    writer: asyncio.StreamWriter, status: int, body: Body, extra: Mapping[str, str] | None = None
) -> None:
    await _send(writer, status, "application/json", json.dumps(body).encode(), extra)


async def _send(
    writer: asyncio.StreamWriter, status: int, kind: str, data: bytes, extra: Mapping[str, str] | None = None
) -> None:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Failure')}",
        f"content-type: {kind}",
        f"content-length: {len(data)}",
    ]
    lines += [f"{name}: {value}" for name, value in (extra or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + data)
    await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Recorded | None:
    """The next request; None where the client has no more. Raises ValueError where it is none."""
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while header := (await reader.readline()).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if length > _LARGEST_REQUEST:
        raise ValueError("the request is too large")
    data = await reader.readexactly(length)
    body: object = json.loads(data) if data else {}
    return Recorded(method, path, headers, cast(Body, body) if isinstance(body, dict) else {})
