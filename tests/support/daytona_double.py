"""A double of the part of Daytona's HTTP interface that Stigmer uses, on loopback. It is made from Daytona's documentation and was never
compared with the service itself. Commands really run, on this machine, in a directory that stands for the sandbox."""

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

KEY = "dtn_double"
EXECUTE = "/toolbox/{}/toolbox/process/execute"


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
            body = cast("dict[str, object]", json.loads(content)) if content else {}
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                status, answer = 401, cast(object, {"message": "who are you?"})
            else:
                status, answer = service.answer(self.command, self.path, body)
            said = json.dumps(answer).encode()
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
