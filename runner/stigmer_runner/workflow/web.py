"""HTTP for workflows: one request, and what became of it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import httpx2

from stigmer_runner.tools.web.fetch import certificates
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.reach import Reach

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of an answer, decompressed."""
SECONDS = 300.0
"""For all of a call, redirects included, where the task has no time of its own."""
CONNECTING = 15.0
REDIRECTS = 10
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_TOLD = 2_000
"""Characters of an answer that an error shows."""
_OWN = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that prove who is calling: not for another host."""


@dataclass(frozen=True)
class Outgoing:
    """A request, whole."""

    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    body: bytes = b""
    auth: httpx2.Auth | None = field(default=None, repr=False)
    follows: bool = False
    """Whether redirects are followed."""
    seconds: float = SECONDS


@dataclass(frozen=True)
class Incoming:
    """An answer, whole."""

    method: str
    url: str
    request_headers: Mapping[str, str] = field(repr=False)
    status: int
    reason: str
    headers: httpx2.Headers
    body: bytes


def url_of(text: str) -> httpx2.URL:
    """The address `text`. Raises `TaskProblem` where it is none that HTTP knows."""
    try:
        url = httpx2.URL(text.strip())
        fits = url.scheme in ("http", "https") and bool(url.host) and (url.port or 0) <= 65_535
    except (httpx2.InvalidURL, ValueError) as error:
        raise TaskProblem(Kind.CONFIGURATION, "the endpoint is no address", str(error)) from error
    if not fits:
        raise TaskProblem(
            Kind.CONFIGURATION, f"the endpoint {text[:200]!r} is no address", "it begins with http:// or https://"
        )
    return url


async def exchange(reach: Reach, request: Outgoing, *, trusted: bool = False) -> Incoming:
    """Send `request` and take its answer, whatever its status is. Raises `TaskProblem` where there is none.

    `trusted`: the place was named by one that the document names, such as a token endpoint by its authority.
    """
    try:
        async with reach.room, asyncio.timeout(request.seconds):
            return await _followed(reach, request, trusted=trusted)
    except TimeoutError as error:
        place = f"{request.url.host}:{_port(request.url)}"
        raise TaskProblem(Kind.TIMEOUT, f"{place} did not answer in {request.seconds:g} seconds") from error
    except (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError, OSError) as error:
        words = str(error) or type(error).__name__
        raise TaskProblem(
            Kind.COMMUNICATION, f"{request.method} {_shown(request.url)} came to nothing", words
        ) from error


def refused(answer: Incoming, *, redirects: bool) -> TaskProblem | None:
    """The error that an answer is by its status; `redirects`: one that leads on is none."""
    if 200 <= answer.status < (400 if redirects else 300):
        return None
    said = answer.body[: 4 * _TOLD].decode("utf-8", "replace").strip()[:_TOLD]
    leads_on = answer.headers.get("location", "") if answer.status in _REDIRECTING else ""
    remedy = f"it leads on to {leads_on}: `redirect: true` follows" if leads_on else ""
    return TaskProblem(
        Kind.COMMUNICATION,
        f"{answer.method} {_shown(httpx2.URL(answer.url))} was answered by {answer.status} {answer.reason}".rstrip(),
        remedy or said,
        status=answer.status,
    )


async def _followed(reach: Reach, request: Outgoing, *, trusted: bool) -> Incoming:
    method, url, headers, body, auth = request.method, request.url, request.headers, request.body, request.auth
    first = (url.host, _port(url))
    for _ in range(REDIRECTS + 1):
        place = (url.host, _port(url))
        named = place == first and (trusted or reach.names(*place))
        answer = await _one(reach, Outgoing(method, url, headers, body, auth, seconds=request.seconds), named=named)
        location = answer.headers.get("location")
        if not request.follows or answer.status not in _REDIRECTING or not location:
            return answer
        onward = url_of(str(url.join(location)))
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET" if method != "HEAD" else method, b""
            headers = _without(headers, {"content-type", "content-length"})
        if (onward.scheme, onward.host, _port(onward)) != (url.scheme, *place):
            headers, auth = _without(headers, _OWN), None
        url = onward
    raise TaskProblem(Kind.COMMUNICATION, f"{_shown(request.url)} leads on more than {REDIRECTS} times", status=310)


async def _one(reach: Reach, request: Outgoing, *, named: bool) -> Incoming:
    async with (
        _client(reach, named=named) as client,
        client.stream(
            request.method, request.url, headers=request.headers, content=request.body or None, auth=request.auth
        ) as response,
    ):
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise TaskProblem(
                    Kind.COMMUNICATION,
                    f"the answer of {_shown(request.url)} is longer than {LARGEST_BODY // 2**20} MiB",
                    "it was not read to its end; ask for a part of it, or fetch it with `run: shell` into a file",
                    status=502,
                )
        sent = {key: "[hidden]" if key.lower() in _OWN else value for key, value in response.request.headers.items()}
        return Incoming(
            request.method,
            str(request.url),
            sent,
            response.status_code,
            response.reason_phrase,
            response.headers,
            bytes(body),
        )


@contextlib.asynccontextmanager
async def _client(reach: Reach, *, named: bool) -> AsyncGenerator[httpx2.AsyncClient]:
    inner = httpx2.AsyncHTTPTransport(verify=certificates(), trust_env=False)
    transport = _Guarded(inner, reach, named=named)
    timeout = httpx2.Timeout(None, connect=CONNECTING)
    async with httpx2.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False) as client:
        yield client


class _Guarded(httpx2.AsyncBaseTransport):
    """Resolves a name once, has every address of it checked, and connects to these addresses alone."""

    def __init__(self, inner: httpx2.AsyncHTTPTransport, reach: Reach, *, named: bool) -> None:
        self._inner = inner
        self._reach = reach
        self._named = named

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.AsyncBaseTransport`."""
        host, port = request.url.host, _port(request.url)
        addresses = await self._reach.addresses(host, port, named=self._named)
        for number, address in enumerate(addresses, 1):
            there = httpx2.Request(
                request.method,
                request.url.copy_with(host=address, port=port),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(there)
            except httpx2.ConnectError:
                if number == len(addresses):
                    raise
        raise httpx2.ConnectError(f"{host} has no address")

    async def aclose(self) -> None:
        """See `httpx2.AsyncBaseTransport`."""
        await self._inner.aclose()


def _without(headers: httpx2.Headers, names: "frozenset[str] | set[str]") -> httpx2.Headers:
    return httpx2.Headers([(key, value) for key, value in headers.multi_items() if key.lower() not in names])


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _shown(url: httpx2.URL) -> str:
    """Without what may be a password or a key."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))
