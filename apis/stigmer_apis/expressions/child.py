"""The process that evaluates: questions on standard input, answers on standard output. It is run as a program, with an empty environment.

Arguments: directories of libraries, then a `--`, bytes of memory and programs to keep. A question is a byte (`E` evaluate, `C` compile, `S` check by a
schema), seconds of processor time (double), two lengths (32 bit, big-endian), a text and JSON. An answer is a byte (`+` value, `-` error, `!` the program
is wrong), a length and UTF-8. What takes more processor time than it may ends the process by SIGPROF.
"""

import json
import os
import resource
import signal
import struct
import sys
import time
from collections import OrderedDict
from typing import Any, BinaryIO

HEAD = struct.Struct(">cdII")
ANSWER = struct.Struct(">cI")
MOST = 2
"""Values of an expression: one is wanted, and the second shows that there are more."""
encode = json.JSONEncoder(separators=(",", ":")).encode


class Allowance:
    """Processor time that a question may take, by a timer that ends the process.

    To set it for each question, and to stop it after each, would take two calls of the system. It is set anew once a twentieth of what it allows may be used up:
    this process has one thread, so that it has used no more than the clock on the wall says.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._since = 0.0

    def renew(self, seconds: float) -> None:
        """Allow so many seconds from now on, or up to a twentieth more."""
        now = time.monotonic()
        if seconds != self._seconds or now - self._since > seconds / 20:
            self._seconds, self._since = seconds, now
            signal.setitimer(signal.ITIMER_PROF, seconds * 1.05)


class Evaluator:
    """Compiled programs and checked schemas, the last used ones."""

    def __init__(self, keep: int) -> None:
        import jq

        self._compile = jq.compile
        self._keep = keep
        self._programs: OrderedDict[str, Any] = OrderedDict()
        self._schemas: OrderedDict[str, Any] = OrderedDict()

    def answer(self, kind: bytes, text: str, given: str) -> tuple[bytes, str]:
        """The answer to one question."""
        if kind == b"S":
            return self._check(text, given)
        try:
            program = self._programs.get(text)
            if program is None:
                program = self._compile(text)
                self._put(self._programs, text, program)
            else:
                self._programs.move_to_end(text)
        except ValueError as error:
            return b"!", str(error)
        if kind == b"C":
            return b"+", ""
        found: list[Any] = []
        try:
            for value in program.input_text(given):
                found.append(value)
                if len(found) == MOST:
                    break
        except ValueError as error:
            return b"-", str(error)
        return b"+", encode(found)

    def _put(self, kept: "OrderedDict[str, Any]", key: str, value: Any) -> None:
        kept[key] = value
        if len(kept) > self._keep:
            kept.popitem(last=False)

    def _check(self, text: str, given: str) -> tuple[bytes, str]:
        """Up to five places where data does not fit a schema, as JSON; the schema's own mistake as `!`."""
        import jsonschema
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        try:
            validator = self._schemas.get(text)
            if validator is None:
                schema: Any = json.loads(text)
                kind: Any = validator_for(schema, default=jsonschema.Draft202012Validator)
                kind.check_schema(schema)
                # an empty registry: nothing outside of a schema is ever fetched
                empty: Any = Registry
                validator = kind(schema, registry=empty(), format_checker=kind.FORMAT_CHECKER)
                self._put(self._schemas, text, validator)
            found: list[list[str]] = []
            for error in validator.iter_errors(json.loads(given)):
                found.append(["/".join(str(part) for part in error.absolute_path), _words(error)[:300]])
                if len(found) == 5:
                    break
        except (jsonschema.SchemaError, Unresolvable, ValueError, RecursionError) as error:
            said = error.message if isinstance(error, jsonschema.SchemaError) else str(error)
            return b"!", f"{type(error).__name__}: {said}"[:500]
        return b"+", json.dumps(found)


def serve(questions: BinaryIO, answers: BinaryIO, evaluator: Evaluator) -> None:
    """Answer until there are no more questions."""
    allowance = Allowance()
    while len(head := questions.read(HEAD.size)) == HEAD.size:
        kind, seconds, first, second = HEAD.unpack(head)
        text, given = questions.read(first).decode(), questions.read(second).decode()
        allowance.renew(seconds)
        status, said = evaluator.answer(kind, text, given)
        body = said.encode("utf-8", "replace")
        answers.write(ANSWER.pack(status, len(body)) + body)
        answers.flush()


def _words(error: Any) -> str:
    """What does not fit, as JSON calls it."""
    said = str(error.message)
    for value, name in ((None, "null"), (True, "true"), (False, "false")):
        if error.instance is value and said.startswith(repr(value)):
            return name + said[len(repr(value)) :]
    return said


def main(arguments: list[str]) -> None:
    """Limit itself, and serve."""
    at = arguments.index("--")
    sys.path.extend(arguments[:at])
    memory, keep = int(arguments[at + 1]), int(arguments[at + 2])
    evaluator = Evaluator(keep)
    # what jq itself may print goes nowhere: the answers have a descriptor of their own
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    answers.write(ANSWER.pack(b"+", 0))
    answers.flush()
    serve(sys.stdin.buffer, answers, evaluator)


if __name__ == "__main__":
    main(sys.argv[1:])
