"""The process that looks for an expression: `python -I -S child.py`.

Standard input and output carry frames, each four bytes of length and a body. The first one in is JSON, `{"expression", "exact"}`, answered by
`{}` or `{"error", "position"}`. Each further one in is text in UTF-8, with the codes of a terminal or without, answered by a JSON list of
`[offset, [[start, end], ...]]`: the byte at which a line that matches begins, and the characters of its matches without the codes.

Each frame may take a second of processor time, all of them together two minutes; then the process ends by itself. It gives way to others.
"""

import json
import os
import re
import resource
import signal
import sys

SECONDS = 1.0
SECONDS_IN_ALL = 120
LONGEST_LINE = 1 << 16
MOST_SPANS = 64
MEMORY = 1 << 30
_CODES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b))|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f]"
)


def main() -> None:
    """Answer until nobody asks."""
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_IN_ALL, SECONDS_IN_ALL))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    asked = json.loads(read())
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        pattern = re.compile(asked["expression"], 0 if asked["exact"] else re.IGNORECASE)
    except re.error as error:
        write({"error": error.msg, "position": -1 if error.pos is None else error.pos})
        return
    except (RecursionError, OverflowError, MemoryError, ValueError):
        write({"error": "it is too large", "position": -1})
        return
    write({})
    while True:
        signal.setitimer(signal.ITIMER_PROF, 0)
        data = read()
        if not data:
            return
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        write(matching_lines(pattern, data))


def matching_lines(pattern: re.Pattern[str], data: bytes) -> list[object]:
    """Where lines that match begin, and their matches."""
    found: list[object] = []
    offset = 0
    has_codes = _CODES.search(data) is not None
    for line in data.split(b"\n"):
        text = (_CODES.sub(b"", line) if has_codes else line)[:LONGEST_LINE].decode("utf-8", "replace")
        if pattern.search(text) is not None:
            spans: list[tuple[int, int]] = []
            for match in pattern.finditer(text):
                if len(spans) >= MOST_SPANS:
                    break
                spans.append(match.span())
            found.append([offset, spans])
        offset += len(line) + 1
    return found


def read() -> bytes:
    """The next frame; empty at the end."""
    head = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(int.from_bytes(head, "big")) if len(head) == 4 else b""


def write(answer: object) -> None:
    """A frame."""
    body = json.dumps(answer).encode()
    sys.stdout.buffer.write(len(body).to_bytes(4, "big") + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
