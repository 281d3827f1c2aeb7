"""Asks the process that evaluates. Every call waits for its answer: a workflow's code cannot do anything else meanwhile."""

import importlib.util
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from stigmer_apis.documents.nearest import nearest
from stigmer_apis.expressions import limits
from stigmer_apis.expressions.errors import ExpressionFailed, ExpressionLimit, ExpressionRefused
from stigmer_apis.expressions.program import CHANCE, Complaint, chance_of, complaint, evaluated, looked_at
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.expressions import Scan, scan

CHILD = Path(__file__).with_name("child.py")
_HEAD = struct.Struct(">cdII")
_ANSWER = struct.Struct(">cI")
_READ = 64 << 10
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Chance:
    """What differs from one evaluation to the next, given by whoever asks."""

    now: float = 0.0
    """Seconds since 1970."""
    uuid: str = ""
    random: float = 0.0
    """From 0 to below 1."""


class _Died(Exception):
    """The process ended before it answered."""


@dataclass(frozen=True, slots=True)
class _Process:
    popen: "subprocess.Popen[bytes]"
    questions: IO[bytes]
    answers: int
    poll: select.poll


class Expressions:
    """One process, started when it is first asked. May be used by several threads; each waits for its turn."""

    def __init__(self, *, seconds: float = limits.SECONDS, memory: int = limits.MEMORY_BYTES) -> None:
        self._seconds = seconds
        self._memory = memory
        self._process: _Process | None = None
        self._lock = threading.Lock()
        self._complaints: dict[tuple[str, frozenset[str]], Complaint | None] = {}

    def evaluate(
        self,
        expression: str,
        data: Json,
        variables: Mapping[str, Json],
        chance: Chance | None = None,
        *,
        patient: bool = False,
    ) -> Json:
        """The value of an expression, without `${ }`; null where it gives none.

        `patient`: this evaluation is known to come to its end. Raises `ExpressionError`.
        """
        prepared = _prepared(expression)
        given: dict[str, Json] = {}
        for name in prepared.used:
            if name not in variables:
                raise _unknown(name, variables)
            given[name] = variables[name]
        for name in prepared.chance if chance is not None else ():
            given[f"{name}()"] = getattr(chance, name)
        try:
            text = _encode({"__v": given, "__d": data})
        except (RecursionError, ValueError) as error:
            raise ExpressionFailed(f"the data cannot be given to an expression: {error}") from error
        status, said = self._ask(b"E", prepared.program, text, limits.PATIENT_SECONDS if patient else self._seconds)
        match status:
            case b"+":
                return _only(said)
            case b"-":
                raise ExpressionFailed(said.decode(errors="replace")[:1000] or "it ends with an error")
            case _:
                found = complaint(said.decode(errors="replace"), expression)
                raise ExpressionRefused(found.wrong, found.remedy)

    def look_at(self, expression: str, variables: Iterable[str]) -> Complaint | None:
        """What jq does not take in an expression in which these variables are bound, None where it takes it."""
        bound = frozenset(_scan(expression).used).intersection(variables) - {"__loc__"}
        key = (expression, bound)
        if key not in self._complaints:
            if len(self._complaints) >= 4096:
                self._complaints.clear()
            self._complaints[key] = self._look(expression, bound)
        return self._complaints[key]

    def check(self, schema: str, data: Json, *, patient: bool = False) -> Sequence[tuple[str, str]]:
        """Where data does not fit a JSON schema, JSON text itself: up to five times a path and what is wrong there.

        Raises `ExpressionRefused` for a schema that is none, and `ExpressionLimit`.
        """
        seconds = limits.PATIENT_SECONDS if patient else 2 * self._seconds
        status, said = self._ask(b"S", schema.encode(), _encode(data), seconds)
        if status != b"+":
            raise ExpressionRefused(f"the schema cannot be used: {said.decode(errors='replace')}")
        return [(str(path), str(what)) for path, what in json.loads(said)]

    @property
    def pid(self) -> int:
        """Of the process; 0 where there is none."""
        return self._process.popen.pid if self._process is not None else 0

    def close(self) -> None:
        """End the process. The next question starts another."""
        with self._lock:
            self._end()

    def _look(self, expression: str, bound: frozenset[str]) -> Complaint | None:
        try:
            status, said = self._ask(b"C", looked_at(expression, bound).encode("utf-8", "replace"), "", self._seconds)
        except ExpressionLimit as error:
            return Complaint(str(error), "make it shorter")
        return None if status == b"+" else complaint(said.decode(errors="replace"), expression)

    def _ask(self, kind: bytes, first: bytes, given: str, seconds: float) -> tuple[bytes, bytes]:
        second = given.encode()
        question = b"".join((_HEAD.pack(kind, seconds, len(first), len(second)), first, second))
        with self._lock:
            try:
                return self._exchange(question, seconds)
            except _Died:
                # it may have ended for another reason than this question
                try:
                    return self._exchange(question, seconds)
                except _Died as error:
                    raise ExpressionLimit("it takes too much memory, or goes too deep") from error

    def _exchange(self, question: bytes, seconds: float) -> tuple[bytes, bytes]:
        process = self._process or self._start()
        try:
            process.questions.write(question)
            process.questions.flush()
        except OSError as error:
            self._end()
            raise _Died from error
        return self._answer(process, seconds)

    def _answer(self, process: _Process, seconds: float) -> tuple[bytes, bytes]:
        until = time.monotonic() + seconds * limits.WALL_FACTOR
        said = bytearray()
        wanted = _ANSWER.size
        while len(said) < wanted:
            left = until - time.monotonic()
            if left <= 0 or not process.poll.poll(left * 1000):
                self._end()
                raise ExpressionLimit(f"it takes longer than {seconds:g} s")
            part = os.read(process.answers, _READ)
            if not part:
                self._end()
                if process.popen.returncode == -signal.SIGPROF:
                    raise ExpressionLimit(f"it takes longer than {seconds:g} s")
                raise _Died
            said += part
            if len(said) >= _ANSWER.size and wanted == _ANSWER.size:
                wanted += _ANSWER.unpack_from(said)[1]
                if wanted > limits.RESULT_BYTES:
                    self._end()
                    raise ExpressionLimit(f"its value is larger than {limits.RESULT_BYTES >> 20} MiB")
        return bytes(said[:1]), bytes(said[_ANSWER.size :])

    def _start(self) -> _Process:
        popen = subprocess.Popen(
            _command(self._memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"TZ": "UTC", "LC_ALL": "C"},
            close_fds=True,
            cwd="/",
            start_new_session=True,
        )
        assert popen.stdin is not None
        assert popen.stdout is not None
        answers = popen.stdout.fileno()
        poll = select.poll()
        poll.register(answers, select.POLLIN)
        self._process = process = _Process(popen, popen.stdin, answers, poll)
        self._answer(process, limits.START_SECONDS)
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.popen.kill()
            with process.popen:
                try:
                    process.questions.close()
                except OSError:
                    # what it was still to be told is lost with it
                    process.popen.stdin = None


def _only(said: bytes) -> Json:
    """The value of a list of at most one."""
    try:
        found: list[Json] = json.loads(said)
    except (RecursionError, ValueError) as error:
        raise ExpressionFailed("its value is nested too deep") from error
    if len(found) > 1:
        raise ExpressionFailed("it gives several values where one is wanted: put it into [ ] to have a list of them")
    if said.count(b"[") + said.count(b"{") > limits.DEPTH and depth(found) > limits.DEPTH + 1:
        raise ExpressionFailed(f"its value is nested more than {limits.DEPTH} deep")
    return found[0] if found else None


def depth(value: Json) -> int:
    """How deep lists and objects are inside each other."""
    level, here = 0, [value]
    while here:
        inner: list[Json] = []
        for each in here:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
        level += any(isinstance(each, dict | list) for each in here)
        here = inner
    return level


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An expression that was looked at."""

    used: tuple[str, ...]
    chance: frozenset[str]
    program: bytes


@lru_cache(maxsize=4096)
def _prepared(expression: str) -> _Prepared:
    """Raises `ExpressionRefused`."""
    looked = _scan(expression)
    if looked.wrong:
        raise ExpressionRefused(looked.wrong, looked.remedy)
    used = frozenset(looked.used) - {"__loc__"}
    program = evaluated(expression, used).encode("utf-8", "replace")
    return _Prepared(tuple(sorted(used)), chance_of(expression), program)


def _unknown(name: str, variables: Iterable[str]) -> ExpressionRefused:
    guess = nearest(name, variables)
    known = ", ".join(f"${each}" for each in sorted(variables))
    remedy = f"did you mean `${guess}`?" if guess else f"known here are {known}"
    return ExpressionRefused(f"there is no variable `${name[:60]}` here", remedy)


@lru_cache(maxsize=4096)
def _scan(expression: str) -> Scan:
    return scan(expression)


def _command(memory: int) -> list[str]:
    places: dict[str, None] = {}
    for library in ("jq", "jsonschema"):
        found = importlib.util.find_spec(library)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(library)
        origin = Path(found.origin)
        places[str(origin.parent if origin.name != "__init__.py" else origin.parent.parent)] = None
    numbers = (memory, limits.PROGRAMS)
    return [sys.executable, "-I", "-S", "-B", str(CHILD), *places, "--", *map(str, numbers)]


__all__ = ["CHANCE", "Chance", "Expressions", "depth"]
