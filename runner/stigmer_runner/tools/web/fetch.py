"""Fetches a page."""

import asyncio
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import httpx2

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.models.port import Image
from stigmer_runner.policy import rules
from stigmer_runner.policy.decision import Decision
from stigmer_runner.policy.hosts import host_of
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, text, whole
from stigmer_runner.tools.files.beneath import visible
from stigmer_runner.tools.files.read import LARGEST_IMAGE, image_kind
from stigmer_runner.tools.interface import (
    Arguments,
    Effect,
    ToolArgumentError,
    ToolContext,
    ToolError,
    ToolResult,
)
from stigmer_runner.tools.killable import ask_child
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool
from stigmer_runner.tools.web.addresses import checked_addresses, names

LARGEST = 5 * 1024 * 1024
"""Bytes of a body, decompressed."""
SECONDS = 30.0
"""For all of it, redirects included."""
REDIRECTS = 3
MOST_CHARACTERS = 50_000
"""Of one answer, where the model does not ask for more."""
READ_SECONDS = 15.0
_REDIRECTING = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Page:
    """What came."""

    url: str
    status: int
    media_type: str
    charset: str
    body: bytes
    whole: bool


class Fetch(BaseTool):
    """`fetch`."""

    signature = Signature(
        "fetch",
        "Fetch a page of the web by GET and read it as text. Only hosts that the person's policy opens can be reached; nothing "
        "of this machine or of a private network.",
        (
            Parameter("url", "string", "The address, `https://` or `http://`.", required=True, most=4000),
            Parameter("offset", "integer", "The first character of its text, from 0.", default=0, least=0, most=10**7),
            Parameter("length", "integer", "How many characters.", default=MOST_CHARACTERS, least=1, most=200_000),
        ),
    )
    effect = Effect.NETWORK

    def check(self, arguments: Arguments) -> Arguments:
        """See `interface.Tool.check`."""
        checked = super().check(arguments)
        target_of(text(checked, "url"))
        return checked

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        url, host, port = target_of(text(arguments, "url"))
        return Subject(f"fetch {url}", hosts=(_with_port(host, port),))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        try:
            async with asyncio.timeout(SECONDS):
                page = await _fetched(context, text(arguments, "url"))
        except TimeoutError as error:
            raise ToolError(f"it took longer than {SECONDS:g} seconds and was given up") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ToolError(f"it cannot be fetched: {type(error).__name__}: {error}") from error
        head = page.body[:16]
        if (kind := image_kind(head)) is not None and page.whole and len(page.body) <= LARGEST_IMAGE:
            return ToolResult(f"{_about(page)}\nA picture.", images=(Image.of(kind, page.body, page.url),))
        said = await _text_of(page)
        offset, length = whole(arguments, "offset"), whole(arguments, "length")
        part = said[offset : offset + length]
        left = len(said) - offset - len(part)
        more = f"\n({left:,} more characters; go on with offset {offset + len(part)})" if left > 0 else ""
        cut = "" if page.whole else f"\n(only the first {LARGEST:,} bytes were read)"
        return ToolResult(f"{_about(page)}\n\n{part}{more}{cut}", is_error=page.status >= 400)


def target_of(url: str) -> tuple[str, str, int]:
    """The address as it is fetched, its host, and its port. Raises `ToolArgumentError`."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ToolArgumentError(f"fetch: {visible(url)} is no address: {error}") from error
    if parsed.scheme not in ("http", "https"):
        raise ToolArgumentError(f"fetch: {visible(url)} has to begin with https:// or http://")
    if parsed.userinfo:
        raise ToolArgumentError("fetch: an address with a name or a password in it is not fetched")
    host = host_of(parsed.host)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    if (
        port > 65535
        or host is None
        or any(ord(character) <= 32 or ord(character) == 127 for character in url)
        or "\\" in url
    ):
        raise ToolArgumentError(f"fetch: {visible(url)} has no host that can be told for sure")
    return str(parsed), host, port


async def _fetched(context: ToolContext, url: str) -> Page:
    first = ""
    for _ in range(REDIRECTS + 1):
        url, host, port = target_of(url)
        place = _with_port(host, port)
        first = first or place
        if place != first and not _open(context, place):
            raise ToolError(f"it leads on to {visible(url)}: fetch that, if you want it, so that it is decided about")
        page, location = await _one(context, url, host, port)
        if location is None:
            return page
        url = str(httpx2.URL(url).join(location))
    raise ToolError(f"it leads on more than {REDIRECTS} times, at last to {visible(url)}")


def _open(context: ToolContext, place: str) -> bool:
    standing = context.session.standing()
    policy = Policy()
    policy.CopyFrom(context.policy)
    policy.network.CopyFrom(context.session.network(context.policy))
    verdict = rules.decide(
        "fetch", Effect.NETWORK, Subject("", hosts=(place,)), policy, walls=standing.walls, environment={}
    )
    return verdict.decision is Decision.ALLOW


async def _one(context: ToolContext, url: str, host: str, port: int) -> tuple[Page, str | None]:
    """One request to one address; where it leads on, as the server says it."""
    named = names(context.policy, context.session.network(context.policy), host)
    addresses = await checked_addresses(host, port, named=named, resolve=context.session.resolve)
    parsed = httpx2.URL(url)
    there = parsed.copy_with(host=addresses[0], port=port)
    headers = {
        "Host": parsed.netloc.decode("ascii"),
        "User-Agent": "stigmer",
        "Accept": "text/html, text/plain, application/json, */*;q=0.5",
        "Accept-Encoding": "gzip, deflate",
    }
    async with (
        httpx2.AsyncClient(
            verify=certificates(), trust_env=False, timeout=READ_SECONDS, follow_redirects=False
        ) as client,
        client.stream("GET", there, headers=headers, extensions={"sni_hostname": host}) as response,
    ):
        location = response.headers.get("location") if response.status_code in _REDIRECTING else None
        if location is not None:
            return Page(url, response.status_code, "", "", b"", whole=True), location
        body, cut = bytearray(), False
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST:
                cut = True
                break
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        charset = response.charset_encoding or "utf-8"
        return Page(url, response.status_code, media_type, charset, bytes(body[:LARGEST]), not cut), None


async def _text_of(page: Page) -> str:
    if b"\0" in page.body[:4096]:
        raise ToolError(f"{_about(page)} is no text ({len(page.body):,} bytes)")
    try:
        decoded = page.body.decode(page.charset, "replace")
    except LookupError:
        decoded = page.body.decode("utf-8", "replace")
    if "html" not in page.media_type and not decoded.lstrip()[:20].lower().startswith(("<!doctype html", "<html")):
        return decoded
    answer = await ask_child("stigmer_runner.tools.web.page", {"html": decoded}, "reading the page", seconds=10)
    return f"{cast(str, answer['title'])}\n\n{cast(str, answer['text'])}".strip()


def _about(page: Page) -> str:
    return f"{visible(page.url)}: {page.status}, {page.media_type or 'no type'}"


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=1)
def certificates() -> ssl.SSLContext:
    """Whom to believe: what `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the usual authorities. Read once."""
    return httpx2.create_ssl_context()
