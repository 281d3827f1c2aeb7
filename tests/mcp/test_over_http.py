"""Servers that are reached over streamable HTTP, on the loopback interface of this machine."""

import asyncio
import json
import os
import shutil
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stigmer_runner.mcp.definition import Address, Definition
from stigmer_runner.mcp.servers import Waits
from stigmer_runner.sandbox import Sandbox
from tests.mcp.stand import layout_path, server_program, standing
from tests.sandbox.ground import Ground
from tests.support.waiting import eventually

SECRET = "correct-horse-battery"
SOON = Waits(start=10.0, call=5.0)


@asynccontextmanager
async def everything() -> AsyncGenerator[str]:
    """The real `everything` server over HTTP: its address."""
    program = shutil.which(server_program("mcp-server-everything"), path=layout_path())
    assert program is not None
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        program,
        "streamableHttp",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    try:
        await eventually(listens)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


async def test_the_real_server(ground: Ground, walled: Sandbox) -> None:
    async with (
        everything() as url,
        standing(ground, walled, [Definition("everything", Address(url))]) as stand,
    ):
        assert "mcp__everything__echo" in await stand.tools(), stand.servers.problems()
        assert f"address: {url}" in stand.questions[0].text
        assert "good morning" in await stand.text("mcp__everything__echo", message="good morning")
        picture = await stand.call("mcp__everything__get-tiny-image")
        assert [image.media_type for image in picture.images] == ["image/png"]


class Answering(BaseHTTPRequestHandler):
    """A server of a few lines: what it does depends on the path."""

    seen: list[tuple[str, str]]
    """Path with query, and the authorization header, of each request."""
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append((self.path, self.headers.get("authorization", "")))
        message = json.loads(body)
        path = self.path.partition("?")[0]
        if path == "/refuses":
            self._reply(401, {"error": "who are you?"})
        elif path == "/elsewhere":
            self.send_response(307)
            self.send_header("location", "http://localhost:1/mcp")
            self.send_header("content-length", "0")
            self.end_headers()
        elif message.get("id") is None:
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self._answer(path, message)

    def do_GET(self) -> None:
        self._reply(405, {})

    do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _answer(self, path: str, message: dict[str, object]) -> None:
        match message["method"]:
            case "initialize":
                info = {"name": "small", "version": "1"}
                result: object = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                result = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                text = "x" * (17 << 20) if path == "/floods" else "hello from afar"
                result = {"content": [{"type": "text", "text": text}]}
            case _:
                error = {"code": -32601, "message": "no such method"}
                self._reply(200, {"jsonrpc": "2.0", "id": message["id"], "error": error})
                return
        self._reply(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _reply(self, status: int, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True


@contextmanager
def small() -> Generator[tuple[str, list[tuple[str, str]]]]:
    """The small server: its address without a path, and what it was asked."""
    seen: list[tuple[str, str]] = []
    handler = type("Handler", (Answering,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            server.shutdown()
            thread.join()


async def test_values_are_filled_in_at_the_last_moment(ground: Ground, walled: Sandbox) -> None:
    with small() as (url, seen):
        address = Address(f"{url}/mcp", {"authorization": "Bearer {{KEY}}"}, {"team": "${TEAM}"})
        values = {"KEY": SECRET, "TEAM": "blue"}
        given = [Definition("small", address)]
        async with standing(ground, walled, given, environment=values, secrets={"KEY": SECRET}) as stand:
            assert await stand.text("mcp__small__echo") == "hello from afar"
            assert SECRET not in stand.questions[0].text
            assert "header authorization, from KEY of the run" in stand.questions[0].text
        assert {path for path, _ in seen} == {"/mcp?team=blue"}
        assert {header for _, header in seen} == {f"Bearer {SECRET}"}


async def test_a_servers_own_secret_goes_before_the_runs(ground: Ground, walled: Sandbox) -> None:
    with small() as (url, seen):
        address = Address(f"{url}/mcp", {"authorization": "Bearer {{KEY}}"}, {"team": "${TEAM}"})
        given = [Definition("small", address, secrets={"KEY": SECRET})]
        values = {"KEY": "that-of-the-run", "TEAM": "blue"}
        async with standing(ground, walled, given, environment=values) as stand:
            assert await stand.text("mcp__small__echo") == "hello from afar"
            assert SECRET not in stand.questions[0].text + repr(given)
            assert "header authorization, from its own secret KEY" in stand.questions[0].text
            assert "query team, from TEAM of the run" in stand.questions[0].text
        assert {header for _, header in seen} == {f"Bearer {SECRET}"}


@pytest.mark.parametrize(("path", "words"), [("/refuses", "401"), ("/elsewhere", "not followed")])
async def test_what_is_no_server(ground: Ground, walled: Sandbox, path: str, words: str) -> None:
    with small() as (url, _):
        async with standing(ground, walled, [Definition("small", Address(f"{url}{path}"))], waits=SOON) as stand:
            assert await stand.tools() == {}
            assert words in stand.servers.problems()[0]


async def test_nobody_listens(ground: Ground, walled: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    async with standing(
        ground, walled, [Definition("small", Address(f"http://127.0.0.1:{port}/mcp"))], waits=SOON
    ) as stand:
        assert await stand.tools() == {}
        assert "is not used" in stand.servers.problems()[0]


async def test_an_answer_without_measure(ground: Ground, walled: Sandbox) -> None:
    with small() as (url, _):
        async with standing(ground, walled, [Definition("small", Address(f"{url}/floods"))], waits=SOON) as stand:
            said = await stand.error("mcp__small__echo")
            assert said.startswith("The MCP server small: ")
            assert len(said) < 2000
