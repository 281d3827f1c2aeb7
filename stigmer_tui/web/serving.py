"""The requests of browsers, and the server itself: on 127.0.0.1 alone."""

import asyncio
import json
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import cast

from aiohttp import WSMsgType, web

from stigmer_apis.errors import Unavailable
from stigmer_tui.web.admission import COOKIE, Admission
from stigmer_tui.web.page import HEADERS, REFUSED, page
from stigmer_tui.web.process import AppProcess, clipped

MOST_PAGES = 8
"""Workstations at once: each is a process."""
_LARGEST_MESSAGE = 1024 * 1024
_COLUMNS, _ROWS, _FONT = 80, 24, 16


class Pages:
    """What answers a browser."""

    def __init__(self, admission: Admission, words: Sequence[str]) -> None:
        """`words`: behind `stigmer tui`, for each workstation."""
        self._admission = admission
        self._words = words
        self._open = 0

    def application(self) -> web.Application:
        """The routes, all below the path that nobody can guess, and every request looked at first."""
        app = web.Application(middlewares=[self._admit], client_max_size=0)
        path = self._admission.path
        app.add_routes(
            [
                web.get(f"{path}/", self._index),
                web.get(f"{path}/ws", self._terminal),
                web.static(f"{path}/static", Path(str(files("textual_serve"))) / "static"),
            ]
        )
        return app

    @web.middleware
    async def _admit(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Nobody comes further without a session; whether there is such a path is not told."""
        if not self._admission.is_ours(request.headers.get("Host", "")):
            return _refused("This is another server.\n")
        token = request.query.get("token", "")
        if token and request.path == f"{self._admission.path}/":
            return self._exchange(token)
        if not self._admission.is_in(request.cookies.get(COOKIE, "")):
            return _refused(REFUSED)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    def _exchange(self, token: str) -> web.Response:
        session = self._admission.exchange(token)
        if not session:
            return _refused(REFUSED)
        path = f"{self._admission.path}/"
        response = web.Response(status=303, headers={**HEADERS, "Location": path})
        response.set_cookie(COOKIE, session, path=path, httponly=True, samesite="Strict")
        return response

    async def _index(self, request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        font = request.query.get("font", "")
        size = max(6, min(int(font), 60)) if font.isdecimal() and len(font) < 4 else _FONT
        text, policy = page(request.headers["Host"], self._admission.path, nonce, size)
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        if not self._admission.may_connect(request.headers):
            return _refused("Only a page of this server may ask for that.\n")
        if self._open >= MOST_PAGES:
            return web.Response(status=503, text=f"{MOST_PAGES} workstations are open, the most that can be.\n")
        sizes = (_number(request.query.get("width", "")), _number(request.query.get("height", "")))
        channel = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE)
        await channel.prepare(request)
        self._open += 1
        app = AppProcess(self._words)
        try:
            if await app.start(clipped(sizes[0], _COLUMNS), clipped(sizes[1], _ROWS)):
                reading = asyncio.create_task(_show(app, channel))
                try:
                    await _hear(app, channel)
                finally:
                    reading.cancel()
        finally:
            self._open -= 1
            await asyncio.shield(app.stop())
        await channel.close()
        return channel


async def _show(app: AppProcess, channel: web.WebSocketResponse) -> None:
    """What the terminal is written, until the app is left."""
    try:
        await app.read(channel.send_bytes)
    except ConnectionError:
        return
    await channel.close()


async def _hear(app: AppProcess, channel: web.WebSocketResponse) -> None:
    """What a page sends; what means nothing is passed over."""
    async for message in channel:
        if message.type is not WSMsgType.TEXT:
            continue
        what, data = _understood(str(message.data))
        if what == "stdin" and isinstance(data, str):
            await app.type(data)
        elif what == "resize" and isinstance(data, dict):
            size = cast("dict[str, object]", data)
            columns, rows = clipped(size.get("width"), _COLUMNS), clipped(size.get("height"), _ROWS)
            await app.tell("resize", width=columns, height=rows)
        elif what == "ping":
            await channel.send_json(["pong", data])
        elif what in ("focus", "blur"):
            await app.tell(what)


def _understood(text: str) -> tuple[str, object]:
    """What a page says, and more about it; nothing where that means nothing."""
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        return "", None
    words = cast("list[object]", said) if isinstance(said, list) else []
    return (str(words[0]), words[1] if len(words) > 1 else None) if words else ("", None)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 5 else None


def _refused(words: str) -> web.Response:
    return web.Response(status=403, text=words, headers=HEADERS)


async def serve(words: Sequence[str], port: int, say: Callable[[str], None]) -> None:
    """Serve until somebody ends it (ctrl+c, SIGTERM). `port` 0: any that is free. `say` prints links. Raises `Unavailable` where the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"port {port} of 127.0.0.1 cannot be had: {error.strerror}", remedy="choose another --port"
        ) from error
    admission = Admission(int(listening.getsockname()[1]))
    runner = web.AppRunner(Pages(admission, words).application(), access_log=None, handle_signals=False)
    await runner.setup()
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    try:
        await web.SockSite(runner, listening, shutdown_timeout=1).start()
        say(
            f"The workstation, in a browser of this machine. The link works once; enter prints another, ctrl+c ends it.\n{admission.new_link()}"
        )
        if sys.stdin.isatty():
            loop.add_reader(0, lambda: say(admission.new_link()) if sys.stdin.readline() else loop.remove_reader(0))
        await over.wait()
    finally:
        await runner.cleanup()
