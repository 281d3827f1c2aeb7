"""A double of the part of Daytona's HTTP interface that Stigmer uses, on loopback. It is made from Daytona's documentation and was never
compared with the service itself. Commands really run, on this machine, in a directory that stands for the sandbox."""

import email
import email.message
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs

KEY = "dtn_double"
EXECUTE = "/toolbox/{}/toolbox/process/execute"
UPLOAD = "/toolbox/{}/toolbox/files/upload"
DOWNLOAD = "/toolbox/{}/toolbox/files/download"


@dataclass
class Daytona:
    """The service."""

    directory: Path
    """The workspace of its sandboxes."""
    url: str = ""
    sandboxes: dict[str, str] = field(default_factory=dict[str, str])
    """States, by id."""
    asked: list[str] = field(default_factory=list[str])
    """Every request: its method and path."""
    without_network: list[str] = field(default_factory=list[str])
    """Sandboxes that were asked for without the network. The double does not take it away."""
    refuse_with: int = 0
    """A status that every request is answered with instead; 0: none."""
    say: str | None = None
    """What every command is said to have said; None: what it said."""

    def answer(self, method: str, path: str, body: dict[str, object]) -> tuple[int, object]:
        """Status and body."""
        self.asked.append(f"{method} {path}")
        if self.refuse_with:
            return self.refuse_with, {"message": "refused"}
        if (method, path) == ("POST", "/sandbox"):
            name = f"sandbox-{len(self.sandboxes) + 1}"
            self.sandboxes[name] = "creating"
            if body.get("networkBlockAll"):
                self.without_network.append(name)
            return 200, {"id": name, "state": "creating"}
        name = path.split("/")[2]
        if name not in self.sandboxes:
            return 404, {"message": "not found"}
        match method:
            case "DELETE":
                del self.sandboxes[name]
                return 200, {}
            case "GET":
                self.sandboxes[name] = "started"
                return 200, {"id": name, "state": "started"}
            case _:
                assert path == EXECUTE.format(name)
                return 200, self._executed(body)

    def transfer(self, method: str, path: str, where: str, content: bytes) -> bytes | None:
        """Keep a file, or give it; None for what is not there."""
        self.asked.append(f"{method} {path}")
        name = path.split("/")[2]
        file = Path(where)
        if name not in self.sandboxes or not file.is_relative_to(self.directory):
            return None
        if (method, path) == ("POST", UPLOAD.format(name)):
            file.write_bytes(content)
            return b""
        assert path == DOWNLOAD.format(name)
        return file.read_bytes() if file.exists() else None

    def _executed(self, body: dict[str, object]) -> dict[str, object]:
        timeout = body.get("timeout")
        told = subprocess.run(
            ["sh", "-c", str(body["command"])],
            cwd=self.directory,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=float(timeout) if isinstance(timeout, int) else None,
        )
        said = told.stdout.decode() if self.say is None else self.say
        return {"exitCode": told.returncode, "result": said}


@contextmanager
def daytona_double(directory: Path) -> Generator[Daytona]:
    """A service that listens while inside."""
    service = Daytona(directory)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            return None

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            if query:
                self._transfer(path, query, content)
                return
            body = cast("dict[str, object]", json.loads(content)) if content else {}
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                status, answer = 401, cast(object, {"message": "who are you?"})
            else:
                status, answer = service.answer(self.command, self.path, body)
            self._say(status, json.dumps(answer).encode())

        def _transfer(self, path: str, query: str, content: bytes) -> None:
            if content:
                kind = self.headers.get("Content-Type", "")
                message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
                (part,) = cast("list[email.message.Message[str, str]]", message.get_payload())
                content = cast(bytes, part.get_payload(decode=True))
            known = self.headers.get("Authorization") == f"Bearer {KEY}"
            found = service.transfer(self.command, path, parse_qs(query)["path"][0], content) if known else None
            self._say(200 if found is not None else 404 if known else 401, found or b"")

        def _say(self, status: int, said: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        shutil.rmtree(directory, ignore_errors=True)
