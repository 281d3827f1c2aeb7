"""The process that parses: sources on standard input, an answer for each on standard output. It is run as a program, with an empty environment.

It limits itself before it reads: processor time, memory, no core. Arguments: the directories where PyYAML and this package are, then `nodes`,
`characters`, `depth`, CPU seconds, CPU seconds at most, bytes of memory. A source is a line `yaml SIZE`, `json SIZE` or `either SIZE` and SIZE bytes;
an answer is one line of JSON, either `{"documents": [node, ...]}` or `{"problems": [[line, column, what, remedy], ...]}`. A node is
`[line, column, type, text]`, `[line, column, "list", [node, ...]]` or `[line, column, "map", [[line, column, key, node], ...]]`.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any

if __name__ == "__main__":
    sys.path.extend(sys.argv[1:3])

from stigmer_tui.manifests.parsing_budget import Limits, Refused, place_of
from stigmer_tui.manifests.parsing_json import JsonReader
from stigmer_tui.manifests.parsing_yaml import YamlReader


def decode(data: bytes) -> str:
    """The text of a source. Raises `Refused`."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(1, 1, "the file is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise Refused(
            *place_of(before, len(before)), f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from error
    if (at := text.find("\0")) >= 0:
        raise Refused(*place_of(text, at), "there is a NUL character", "take it out")
    return text


def read(form: str, data: bytes, limits: Limits) -> dict[str, Any]:
    """The answer for one source."""
    noted: list[list[Any]] = []
    try:
        text = decode(data)
        reader = _reader(form, text, limits)
        noted = reader.problems
        reader.read()
    except Refused as refused:
        return {"problems": [*noted, refused.problem]}
    except MemoryError:
        return {"problems": [[1, 1, "parsing this takes too much memory", "split the file"]]}
    return {"problems": reader.problems} if reader.problems else {"documents": reader.documents}


def _reader(form: str, text: str, limits: Limits) -> YamlReader | JsonReader:
    if form == "json":
        return JsonReader(text, limits)
    if form == "either" and text.lstrip()[:1] in ("{", "["):
        reader = JsonReader(text, limits)
        try:
            reader.read()
        except Refused:
            return YamlReader(text, limits)
        return JsonReader(text, limits)
    return YamlReader(text, limits)


def sources() -> Iterator[tuple[str, bytes]]:
    """What comes on standard input."""
    stream = sys.stdin.buffer
    while head := stream.readline():
        form, size = head.split()
        yield form.decode(), stream.read(int(size))


def limit(memory: int) -> None:
    """What this process may use. Where the system has no such limit, those that are counted hold alone."""
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError) as error:
            sys.stderr.write(f"no limit {what}: {error}\n")


def allow(seconds: float, at_most: int) -> None:
    """Processor time for the next source; the kernel ends the process after it."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + at_most, resource.RLIM_INFINITY))


def main() -> None:
    """Answer for every source."""
    numbers = sys.argv[3:]
    nodes, characters, depth = map(int, numbers[:3])
    limits = Limits(nodes, characters, depth)
    limit(int(numbers[5]))
    for form, data in sources():
        allow(float(numbers[3]), int(numbers[4]))
        sys.stdout.write(json.dumps(read(form, data, limits), separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
