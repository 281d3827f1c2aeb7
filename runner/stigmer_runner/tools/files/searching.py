"""Finds lines by a regular expression, as a process of its own: an expression can take for ever, and a tree is large."""

import os
import re
import time
from typing import cast

from pathspec import GitIgnoreSpec

from stigmer_runner.tools.child import serve
from stigmer_runner.tools.files.beneath import walk_beneath
from stigmer_runner.tools.files.ignoring import Entry, spec_of, specs_above, walk

LARGEST_FILE = 8 * 1024 * 1024
LONGEST_LINE = 500
MOST_CHARACTERS = 64 * 1024


def search(question: dict[str, object]) -> dict[str, object]:
    """Fields: `fd` (the workspace), `path`, `pattern`, `ignore_case`, `glob`, `denied`, `context`, `most`, `mode`, `ignored`, `seconds`,
    `skip`.

    Answers `{"lines": [...], "matches", "files", "cut", "skipped"}`, or `{"error"}`.
    """
    try:
        expression = re.compile(
            cast(str, question["pattern"]).encode(), re.IGNORECASE if question["ignore_case"] is True else 0
        )
    except (re.error, OverflowError, RecursionError) as error:
        return {"error": f"the pattern is no regular expression of Python's: {error}"}
    return _Search(question, expression).run()


class _Search:
    def __init__(self, question: dict[str, object], expression: re.Pattern[bytes]) -> None:
        self._root = cast(int, question["fd"])
        self._path = cast(str, question["path"])
        self._glob = _spec(question["glob"])
        self._denied = _spec(question["denied"])
        self._context = cast(int, question["context"])
        self._most = cast(int, question["most"])
        self._mode = cast(str, question["mode"])
        self._ignored = question["ignored"] is True
        self._deadline = time.monotonic() + cast(float, question["seconds"])
        self._skip = frozenset(cast("list[str]", question["skip"]))
        self._expression = expression
        self._lines: list[str] = []
        self._characters = 0
        self._matches = self._files = self._skipped = 0
        self._cut = ""

    def run(self) -> dict[str, object]:
        descriptor = walk_beneath(self._root, self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            prefix = "" if self._path == "." else f"{self._path}/"
            above = specs_above(self._root, self._path)
            for entry in walk(descriptor, prefix, ignored=self._ignored, specs=above, skip=self._skip):
                if self._cut or (self._wants(entry) and not self._one(entry.path)):
                    break
        else:
            self._one(self._path)
        return {
            "lines": self._lines,
            "matches": self._matches,
            "files": self._files,
            "cut": self._cut,
            "skipped": self._skipped,
        }

    def _wants(self, entry: Entry) -> bool:
        if not entry.is_file or (self._denied is not None and self._denied.match_file(entry.path)):
            return False
        if self._glob is not None and not self._glob.match_file(entry.path):
            return False
        if entry.size > LARGEST_FILE:
            self._skipped += 1
            return False
        return True

    def _one(self, path: str) -> bool:
        """Search a file; whether to go on."""
        if time.monotonic() > self._deadline:
            self._cut = "time"
            return False
        try:
            file = walk_beneath(self._root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._skipped += 1
            return True
        try:
            data = os.read(file, LARGEST_FILE)
            while len(data) < LARGEST_FILE and (more := os.read(file, LARGEST_FILE - len(data))):
                data += more
        except OSError:
            self._skipped += 1
            return True
        finally:
            os.close(file)
        if b"\0" in data[:8192]:
            return True
        return self._in(path, data)

    def _in(self, path: str, data: bytes) -> bool:
        lines = data.split(b"\n")
        found = [number for number, line in enumerate(lines) if self._expression.search(line.rstrip(b"\r"))]
        if found and not lines[-1] and found[-1] == len(lines) - 1:
            found.pop()
        if not found:
            return True
        self._files += 1
        self._matches += len(found)
        match self._mode:
            case "files":
                self._say(path)
            case "count":
                self._say(f"{path}:{len(found)}")
            case _:
                self._tell(path, lines, found)
        return not self._cut

    def _tell(self, path: str, lines: list[bytes], found: list[int]) -> None:
        hits = set(found)
        wanted = sorted(
            {
                near
                for hit in found
                for near in range(max(0, hit - self._context), min(len(lines), hit + self._context + 1))
            }
        )
        before = None
        for number in wanted:
            if self._context and before is not None and number != before + 1:
                self._say("--")
            mark = ":" if number in hits else "-"
            text = lines[number].rstrip(b"\r").decode("utf-8", "replace")
            if len(text) > LONGEST_LINE:
                text = f"{text[:LONGEST_LINE]}... ({len(text) - LONGEST_LINE} more characters)"
            self._say(f"{path}{mark}{number + 1}{mark}{text}")
            before = number
            if self._cut:
                return

    def _say(self, line: str) -> None:
        if len(self._lines) >= self._most or self._characters > MOST_CHARACTERS:
            self._cut = "much"
            return
        self._lines.append(line)
        self._characters += len(line)


def _spec(patterns: object) -> GitIgnoreSpec | None:
    lines = cast("list[str]", patterns)
    return spec_of(lines) if lines else None


if __name__ == "__main__":
    serve(search)
