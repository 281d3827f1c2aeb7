"""Bytes to nodes, in a process that may be killed.

What is parsed may have been made to hurt: nesting that ends the C parser, aliases that grow, numbers that take minutes. It is parsed by
`parsing_child`, with an empty environment and the limits of `limits`; if that ends, the source that it was at is the one to blame, and the others are
given to a new one.
"""

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stigmer_apis.documents import limits
from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.problems import Problem
from stigmer_apis.documents.sources import Source

CHILD = Path(__file__).with_name("parsing_child.py")


def parse(sources: Sequence[Source], depth: int = limits.DEPTH) -> list[tuple[Node, ...] | tuple[Problem, ...]]:
    """For each source its documents, or what is wrong with it. `depth` is how many lists and mappings may be inside each other."""
    answers: list[tuple[Node, ...] | tuple[Problem, ...]] = []
    while len(answers) < len(sources):
        waiting = sources[len(answers) :]
        lines, ending = _ask(waiting, depth)
        for source, line in zip(waiting, lines, strict=False):
            answers.append(_answer(source, json.loads(line)))
        if len(lines) < len(waiting):
            answers.append(
                (
                    Problem(
                        waiting[len(lines)].name,
                        0,
                        0,
                        ending,
                        remedy="split it, and take out what was not written by hand",
                    ),
                )
            )
    return answers


def _ask(sources: Sequence[Source], depth: int) -> tuple[list[bytes], str]:
    """The child's answers, one a line, and how it ended where they are too few."""
    process = subprocess.Popen(
        _command(depth),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
        cwd="/",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    writer = threading.Thread(target=_write, args=(process.stdin, sources), daemon=True)
    watch = threading.Timer(limits.WALL_SECONDS, process.kill)
    with process:
        writer.start()
        watch.start()
        said = process.stdout.read(limits.ANSWER_BYTES)
        if len(said) == limits.ANSWER_BYTES:
            process.kill()
        watch.cancel()
        process.wait(limits.WALL_SECONDS)
        writer.join(limits.WALL_SECONDS)
    return [
        line for line in said.splitlines(keepends=True) if line.endswith(b"\n")
    ], "takes too long, or too much memory, to parse"


def _command(depth: int) -> list[str]:
    found = importlib.util.find_spec("yaml")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("yaml")
    numbers = (
        limits.NODES,
        limits.CHARACTERS,
        depth,
        limits.CPU_SECONDS,
        limits.CPU_SECONDS_AT_MOST,
        limits.MEMORY_BYTES,
    )
    places = (Path(found.origin).parent.parent, Path(__file__).parents[2])
    return [sys.executable, "-I", "-S", "-B", str(CHILD), *map(str, places), *map(str, numbers)]


def _write(stream: Any, sources: Sequence[Source]) -> None:
    """Hand the sources over. A child that has ended reads no more of them; how it ended is told by what it answered."""
    try:
        for source in sources:
            stream.write(f"{source.form} {len(source.data)}\n".encode() + source.data)
        stream.close()
    except BrokenPipeError:
        return


def _answer(source: Source, said: Any) -> tuple[Node, ...] | tuple[Problem, ...]:
    if "problems" in said:
        return tuple(
            Problem(source.name, line, column, what, remedy=remedy) for line, column, what, remedy in said["problems"]
        )
    return tuple(_nodes(said["documents"]))


def _nodes(records: list[Any]) -> list[Node]:
    """Nodes from the records of `parsing_child.flat`: what is inside a list or a mapping comes before it, so that nothing here recurses."""
    built: list[Any] = []
    for line, column, kind, inside in records:
        place = Place(line, column)
        match kind:
            case "key":
                built.append(Entry(place, inside, built.pop()))
            case "list" | "map":
                begin = len(built) - inside
                held = tuple(built[begin:])
                del built[begin:]
                built.append(ListNode(place, held) if kind == "list" else MapNode(place, held))
            case _:
                built.append(Scalar(place, ScalarType(kind), inside))
    return built
