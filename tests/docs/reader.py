"""Somebody who reads a page and does what it says, in a shell of their own."""

import os
import re
import secrets
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from stigmer_apis.config.schema import VARIABLES
from tests.docs.blocks import ROOT
from tests.support.workstation import Workstation

COMMAND_SECONDS = 60.0


class Reader:
    """A shell with `stigmer` on its PATH, nothing of ours in its environment, and a directory with nothing but a clone's `examples` in it."""

    def __init__(self, workstation: Workstation) -> None:
        root = workstation.home.parent
        self.directory = root / "project"
        self._mark = secrets.token_hex(8)
        programs = root / "bin"
        for path in (self.directory, programs, root / "person"):
            path.mkdir()
        shutil.copytree(ROOT / "examples", self.directory / "examples")
        program = programs / "stigmer"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m stigmer_tui "$@"\n')
        program.chmod(0o755)
        environ = {name: value for name, value in workstation.environ().items() if name not in VARIABLES}
        environ |= {"PATH": f"{programs}{os.pathsep}{environ['PATH']}", "HOME": str(root / "person"), "COLUMNS": "100"}
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=self.directory,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        self._shell.kill()
        self._shell.stdout.close()
        self._shell.wait()

    def write(self, name: str, text: str) -> None:
        """Write a file, as the page tells."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def do(self, line: str) -> tuple[str, int]:
        """Run a command; what it printed, and its exit code."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{{ {line}\n}} </dev/null\nprintf '\\n%s %d\\n' {self._mark} $?\n".encode())
        self._shell.stdin.flush()
        output, code = self._until_mark(line)
        return output, int(code)

    def _until_mark(self, line: str) -> tuple[str, str]:
        assert self._shell.stdout is not None
        end = re.compile(rf"\n{self._mark} (\d+)\n$".encode())
        seen, deadline = b"", time.monotonic() + COMMAND_SECONDS
        while not (found := end.search(seen)):
            ready, _, _ = select.select([self._shell.stdout], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self._shell.stdout.fileno(), 1 << 16) if ready else b""
            if not data:
                raise AssertionError(f"`{line}` did not end; it printed {seen.decode(errors='replace')!r}")
            seen += data
        return seen[: found.start()].decode(errors="replace"), found[1].decode()


def as_shown(output: str, expected: Sequence[str]) -> bool:
    """Whether `output` is what a page shows, with `...` for anything."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else ".*?".join(map(re.escape, line.rstrip().split("..."))) + r"[ \t]*\n"
        for line in expected
    )
    return re.fullmatch(pattern, output.strip("\n") + "\n") is not None
