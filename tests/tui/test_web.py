"""The workstation in a browser: real requests and a real websocket to the real command; who has no link gets nothing."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSServerHandshakeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.home import Home
from stigmer_tui.web.admission import MOST_LINKS, Admission
from stigmer_tui.web.packets import packet, read_packet
from stigmer_tui.web.process import clipped
from tests.support.scripted_backend import ScriptedBackend, line_events

PATIENCE = 30.0


@dataclass
class Served:
    """A server that runs."""

    process: asyncio.subprocess.Process
    link: str

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return (
            self.link.partition(
                "/",
            )[0]
            + "//"
            + urlsplit(self.link).netloc
        )

    @property
    def path(self) -> str:
        """What everything lies below, with a slash behind."""
        return urlsplit(self.link).path


@asynccontextmanager
async def served(home: Home, *words: str) -> AsyncGenerator[Served]:
    """`stigmer tui --web` in this home."""
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "NO_COLOR")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stigmer_tui",
        "tui",
        "--web",
        *words,
        env={**kept, "STIGMER_HOME": str(home.root)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            await process.stdout.readline()
            link = (await process.stdout.readline()).decode().strip()
        yield Served(process, link)
    finally:
        process.terminate()
        await process.wait()


def browser() -> ClientSession:
    """With a jar for cookies that takes those of an address without a name."""
    return ClientSession(cookie_jar=CookieJar(unsafe=True))


async def screen(channel: ClientWebSocketResponse, words: bytes) -> bytes:
    """What the page's terminal is written, until these words were."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while words not in seen:
            message = await channel.receive()
            assert message.data is not None, seen[-2000:]
            seen += message.data if isinstance(message.data, bytes) else b""
    return seen


async def test_a_page_is_a_workstation(home: Home, backend: ScriptedBackend) -> None:
    """The link leads to a page that fetches nothing from elsewhere; its terminal shows the list, takes keys and another size; leaving closes it."""
    backend.add_execution(message="make all", phase=enums.EXECUTION_COMPLETED, events=line_events("make all"))
    async with served(home) as server, browser() as client:
        async with client.get(server.link) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "token" not in str(answer.url)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert not re.search(r"https?://(?!127\.0\.0\.1)", text)
        for part in re.findall(r'(?:src|href)="([^"]+)"', text):
            async with client.get(server.address + part) as answer:
                assert answer.status == 200, part
        ws = f"{server.address}{server.path}ws?width=100&height=30"
        async with client.ws_connect(ws, origin=server.address) as channel:
            await screen(channel, b"make all")
            await channel.send_json(["resize", {"width": 60, "height": 20}])
            await channel.send_json(["ping", 7])
            await channel.send_str("{")
            await channel.send_json(["stdin", "\x10"])
            await screen(channel, b"an action, a run")
            await channel.send_json(["stdin", "\x11"])
            async with asyncio.timeout(PATIENCE):
                while not channel.closed:
                    await channel.receive()


async def test_nobody_comes_in_without_a_link(home: Home, backend: ScriptedBackend) -> None:
    """Not without a cookie, not twice by a link, not by another name of this machine, not from another page, not below another path."""
    async with served(home, "--read-only") as server, browser() as client, ClientSession() as stranger:
        place = f"{server.address}{server.path}"
        for url in (place, f"{place}ws", f"{place}static/js/textual.js", server.address, f"{place}?token=guessed"):
            async with stranger.get(url) as answer:
                assert answer.status == 403, url
        async with client.get(server.link) as answer:
            assert answer.status == 200
        async with stranger.get(server.link) as answer:
            assert answer.status == 403
        async with client.get(place, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        cookie = next(iter(client.cookie_jar))
        assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (server.path, "Strict", True)
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{urlsplit(server.link).port or 0 + 1}9", None):
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect(f"{place}ws", origin=origin)
            assert refused.value.status == 403
        async with client.get(f"{server.address}/static/js/textual.js") as answer:
            assert answer.status == 403
        async with client.get(f"{place}static/..%2f..%2fserver.py") as answer:
            assert answer.status in (403, 404)


def test_links_are_few_and_work_once() -> None:
    """The oldest unused one goes; texts of any kind are refused."""
    admission = Admission(80)
    links = [admission.new_link().partition("token=")[2] for _ in range(MOST_LINKS + 1)]
    assert admission.exchange(links[0]) == ""
    session = admission.exchange(links[1])
    assert admission.is_in(session)
    assert admission.exchange(links[1]) == ""
    for text in ("", "\ud800", "é", session[:-1]):
        assert not admission.is_in(text)
        assert admission.exchange(text) == ""


async def test_what_is_no_packet_ends_it() -> None:
    """Cut short, too long; sizes that nobody has are made ones that one can draw."""
    stream = asyncio.StreamReader()
    stream.feed_data(packet(b"D", b"x") + b"D\xff\xff\xff\xff")
    assert await read_packet(stream) == (b"D", b"x")
    assert await read_packet(stream) is None
    stream.feed_eof()
    assert await read_packet(stream) is None
    assert [clipped(each, 80) for each in (0, 10**9, "7", None, True)] == [2, 1000, 80, 80, 80]
