"""The process that parses: sources on standard input, an answer for each on standard output. It is run as a program, with an empty environment.

It limits itself before it reads: processor time, memory, no core. Arguments: the directories where PyYAML and this package are, then `nodes`,
`characters`, `depth`, CPU seconds, CPU seconds at most, bytes of memory. A source is a line `yaml SIZE`, `json SIZE` or `either SIZE` and SIZE bytes;
an answer is one line of JSON, either `{"documents": [record, ...]}` or `{"problems": [[line, column, what, remedy], ...]}`. A record is
`[line, column, type, text]`, or `[line, column, "list", n]` after the n items of a list, or `[line, column, "map", n]` after the n entries of a mapping;
an entry is its value and then `[line, column, "key", key]`.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any

if __name__ == "__main__":
    sys.path.extend(sys.argv[1:3])

from stigmer_apis.documents.parsing_budget import Built, Limits, Refused, place_of
from stigmer_apis.documents.parsing_json import JsonReader
from stigmer_apis.documents.parsing_yaml import YamlReader


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
    return {"problems": reader.problems} if reader.problems else {"documents": flat(reader.documents)}


def flat(documents: list[Built]) -> list[Built]:
    """The records of `documents`: however deep they are, the answer is not."""
    records: list[Built] = []
    waiting: list[Built] = list(documents)
    while waiting:
        built = waiting.pop()
        if len(built) == 5:
            records.append([built[0], built[1], "key", built[2]])
            built = built[4]
        line, column, kind, inside = built
        if kind == "list":
            records.append([line, column, kind, len(inside)])
            waiting.extend(inside)
        elif kind == "map":
            records.append([line, column, kind, len(inside)])
            waiting.extend([*entry[:3], None, entry[3]] for entry in inside)
        else:
            records.append(built)
    records.reverse()
    return records


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
    sys.setrecursionlimit(1000 + 4 * depth)
    limit(int(numbers[5]))
    for form, data in sources():
        allow(float(numbers[3]), int(numbers[4]))
        sys.stdout.write(json.dumps(read(form, data, limits), separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
