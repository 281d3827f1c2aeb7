"""The HTTP of one provider: one origin, one key, and bounds on what comes back.

A provider's library builds the request and reads the answer; this transport is all that it can reach the network by.
The library never holds a key: each call names itself in a header that ends here, and the key is put in here, on a copy
of the request that only the socket sees. A request for another origin, by a redirect or otherwise, goes nowhere. No
proxy is taken from the environment, and of the library's headers only those that the formats need are sent.
"""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import httpx2

from stigmer_apis import __version__
from stigmer_runner.models.advice import not_reachable
from stigmer_runner.models.config import MIB, CallLimits
from stigmer_runner.models.http1 import BadFraming, Body, Http1
from stigmer_runner.models.merging import EventMerger, NoAnswer
from stigmer_runner.models.port import ModelError, ModelErrorCode

CALL_HEADER: Final = "x-stigmer-call"
"""Names the call on the way from the library to here; never sent."""

_SENT: Final = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-length",
        "content-type",
        "host",
        "openai-organization",
        "openai-project",
        "transfer-encoding",
    }
)
"""Headers of the library that go out; what it tells about this machine does not."""


_MOST_REQUESTS: Final = 4


class WireFailure(httpx2.TransportError):
    """The call cannot go on; `Call.failure` says why."""


@dataclass(eq=False)
class Call:
    """One call under way."""

    name: str
    key: bytes = field(repr=False)
    finished: bool = False
    """Whether the provider said that its answer is whole."""
    requests: int = 0
    """How many were sent: more than one where the provider redirects within its origin."""
    began: bool = False
    """Whether anything of the answer came."""
    failure: ModelError | None = None
    """Why the wire gave the call up."""
    answered: httpx2.Response | None = None
    """The answer to the library's next request, where it was asked for already."""

    def give_up(self, code: ModelErrorCode, message: str, *, retryable: bool | None = None) -> WireFailure:
        """The error to raise here; what it was is kept for whoever made the call."""
        self.failure = ModelError(code, message, retryable=retryable)
        return WireFailure(message)


class Wire(httpx2.AsyncBaseTransport):
    """All HTTP of one provider at one address."""

    def __init__(self, provider: str, base_url: str, limits: CallLimits, tls: ssl.SSLContext) -> None:
        self._provider = provider
        self._origin = _origin(httpx2.URL(base_url))
        self._limits = limits
        self._inner = Http1(tls)
        self._calls: dict[str, Call] = {}
        self._numbers = itertools.count(1)

    def begin(self, key: bytes) -> Call:
        """A call is about to be made. `end` it, whatever comes."""
        call = Call(str(next(self._numbers)), key)
        self._calls[call.name] = call
        return call

    def end(self, call: Call) -> None:
        """Nothing more will be asked for by this call."""
        self._calls.pop(call.name, None)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = self._calls.get(request.headers.get(CALL_HEADER, ""))
        if call is None:
            raise WireFailure("a request that belongs to no call was not sent")
        if call.answered is not None:
            answered, call.answered = call.answered, None
            return answered
        if _origin(request.url) != self._origin:
            raise call.give_up(
                ModelErrorCode.UNREACHABLE,
                f"The server at {_words(self._origin)} sends to another address, {_words(_origin(request.url))}. Nothing was "
                "sent there. Set the base URL to the address that is meant.",
                retryable=False,
            )
        call.requests += 1
        if call.requests > _MOST_REQUESTS:
            raise call.give_up(
                ModelErrorCode.UNREACHABLE,
                f"The server at {_words(self._origin)} sends in circles. Is the base URL that of a model's interface?",
                retryable=False,
            )
        timeouts = {
            "connect": self._limits.connect,
            "read": self._limits.first_byte,
            "write": self._limits.stall,
            "pool": self._limits.connect,
        }
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=[*_headers(request), *self._authorization(call)],
            stream=request.stream,
            extensions={"timeout": timeouts},
        )
        response = await self._answered(sent, call)
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise call.give_up(
                ModelErrorCode.MALFORMED,
                f"The server at {_words(self._origin)} compressed its answer, though it was asked not to.",
                retryable=False,
            )
        assert isinstance(response.stream, Body)
        body = (
            _Answer(response.stream, call, self._limits)
            if response.status_code == 200
            else _Refusal(response.stream, call, self._limits)
        )
        if response.status_code == 200:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in ("text/html", "application/json"):
                await response.aclose()
                raise call.give_up(
                    ModelErrorCode.MALFORMED,
                    f"The server at {_words(self._origin)} answered with {kind} where a stream of events belongs. Is the base "
                    "URL that of a model's interface?",
                    retryable=False,
                )
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _answered(self, request: httpx2.Request, call: Call) -> httpx2.Response:
        """The beginning of the answer. Why there is none is kept in `call`: a library tells it less well."""
        try:
            return await self._inner.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            words = not_reachable(self._provider, _words(self._origin), str(error))
            raise call.give_up(ModelErrorCode.UNREACHABLE, words) from None
        except httpx2.ReadTimeout:
            raise call.give_up(
                ModelErrorCode.STALLED, f"The model did not begin to answer within {self._limits.first_byte:g} seconds."
            ) from None
        except BadFraming as error:
            words = f"What answers at {_words(self._origin)} cannot be understood: {error}."
            raise call.give_up(ModelErrorCode.MALFORMED, words) from None

    def _authorization(self, call: Call) -> list[tuple[bytes, bytes]]:
        if not call.key:
            return []
        return (
            [(b"x-api-key", call.key)] if self._provider == "anthropic" else [(b"authorization", b"Bearer " + call.key)]
        )


class _Answer(httpx2.AsyncByteStream):
    """An answer's events, within bounds."""

    def __init__(self, inner: Body, call: Call, limits: CallLimits) -> None:
        self._inner = inner
        self._call = call
        self._limits = limits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        limits, call = self._limits, self._call
        merger = EventMerger(limits.largest_event)
        clock = asyncio.get_running_loop()
        end = clock.time() + limits.whole
        pieces = aiter(self._inner)
        total = 0
        patience = limits.first_byte
        while True:
            deadline = min(clock.time() + patience, end)
            try:
                async with asyncio.timeout_at(deadline):
                    data = await anext(pieces)
            except StopAsyncIteration:
                break
            except (TimeoutError, httpx2.ReadTimeout):
                raise call.give_up(ModelErrorCode.STALLED, self._silence(patience, clock.time() >= end)) from None
            patience = limits.stall
            call.began = True
            total += len(data)
            if total > limits.largest_answer:
                raise call.give_up(
                    ModelErrorCode.STALLED, f"The answer had no end: it was stopped at {total // MIB} MiB."
                )
            try:
                for event in merger.feed(data):
                    call.finished = merger.finished
                    yield event
            except NoAnswer as error:
                raise call.give_up(ModelErrorCode.MALFORMED, f"The model's answer cannot be read: {error}.") from None
            call.finished = merger.finished
        if rest := merger.rest():
            yield rest

    def _silence(self, patience: float, ended: bool) -> str:
        if ended:
            return f"The answer had no end: it was stopped after {self._limits.whole:.0f} seconds."
        if not self._call.began:
            return f"The model did not begin to answer within {patience:.0f} seconds."
        return f"The model's answer stopped in the middle: nothing came for {patience:.0f} seconds."

    async def aclose(self) -> None:
        if self._call.finished:
            await self._inner.finish()
        else:
            await self._inner.aclose()


class _Refusal(httpx2.AsyncByteStream):
    """What a provider says where it does not answer: small, and soon."""

    def __init__(self, inner: Body, call: Call, limits: CallLimits) -> None:
        self._inner = inner
        self._call = call
        self._limits = limits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        try:
            async with asyncio.timeout(self._limits.stall):
                async for data in self._inner:
                    total += len(data)
                    if total > self._limits.largest_refusal:
                        return
                    yield data
        except TimeoutError:
            raise self._call.give_up(
                ModelErrorCode.STALLED, "The server refused, and then stopped in the middle of saying why."
            ) from None

    async def aclose(self) -> None:
        await self._inner.aclose()


def tls_context() -> ssl.SSLContext:
    """What certificates are checked against: the system's, or those named by SSL_CERT_FILE or SSL_CERT_DIR. Takes milliseconds: on a thread."""
    return httpx2.create_ssl_context()


def _headers(request: httpx2.Request) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() in _SENT]
    return [*kept, (b"accept-encoding", b"identity"), (b"user-agent", f"stigmer/{__version__}".encode())]


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme, 0)


def _words(origin: tuple[str, str, int]) -> str:
    scheme, host, port = origin
    return f"{scheme}://{host}:{port}"
