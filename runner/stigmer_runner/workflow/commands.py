"""What a process task is to run, from what the document says: a line for a shell, or a container."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from stigmer_runner.workflow.http import as_word
from stigmer_runner.workflow.problems import Kind, TaskProblem

RETURNS = ("stdout", "stderr", "code", "all", "none")
LONGEST_CODE = 96 * 1024
"""Bytes of a script: it is handed over as an argument."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ARGUMENTS = "STIGMER_SCRIPT_ARGUMENTS"

_PYTHON = f'import json as _json, os as _os; globals().update(_json.loads(_os.environ.pop("{_ARGUMENTS}")))\n'
_NODE = f"Object.assign(globalThis, JSON.parse(process.env.{_ARGUMENTS}));\n"
_LANGUAGES = {"python": "python3", "js": "node", "bash": "bash", "sh": "sh"}
"""What runs them."""
_OTHER_NAMES = {"python3": "python", "py": "python", "javascript": "js", "node": "js", "shell": "bash"}


@dataclass(frozen=True)
class ProcessWanted:
    """What is to be run."""

    line: str
    """For the shell; of a container what it runs, empty for what its image runs."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    stdin: bytes = field(default=b"", repr=False)
    gives: str = "stdout"
    """One of `RETURNS`."""
    waits: bool = True
    program: str = ""
    """Of a script: what has to be there."""


def environment_of(given: Mapping[str, object]) -> dict[str, str]:
    """Variables; null leaves one out. Raises `TaskProblem` for names that a shell cannot have."""
    for name in given:
        if not _NAME.match(name):
            raise TaskProblem(Kind.CONFIGURATION, f"{name[:100]!r} is no name of an environment variable")
    found = {name: as_word(value) for name, value in given.items() if value is not None}
    for name, value in found.items():
        if "\0" in value:
            raise TaskProblem(Kind.CONFIGURATION, f"the variable {name} holds a NUL character, which none can")
    return found


def words_of(arguments: object) -> list[str]:
    """Arguments of a program: a list as it stands, a mapping as `name=value`, or `name` alone where there is no value."""
    if arguments is None:
        return []
    if isinstance(arguments, list):
        found = [as_word(each) for each in cast("Sequence[object]", arguments)]
    elif isinstance(arguments, dict):
        pairs = cast("dict[str, object]", arguments).items()
        found = [name if value is None else f"{name}={as_word(value)}" for name, value in pairs]
    else:
        raise TaskProblem(Kind.CONFIGURATION, "`arguments` is neither a list nor a mapping")
    if any("\0" in word for word in found):
        raise TaskProblem(Kind.CONFIGURATION, "an argument holds a NUL character, which none can")
    return found


def shell_of(arguments: Mapping[str, object]) -> ProcessWanted:
    """`run: shell`."""
    line = " ".join((_text(arguments, "command"), *map(shlex.quote, words_of(arguments.get("arguments")))))
    return _wanted(arguments, line, _variables(arguments))


def script_of(arguments: Mapping[str, object], code: str) -> ProcessWanted:
    """`run: script`, whose source is `code`. Arguments that are a mapping are variables of a script in Python or JavaScript."""
    named = _text(arguments, "language").strip().lower()
    language = _OTHER_NAMES.get(named, named)
    program = _LANGUAGES.get(language)
    if program is None:
        known = ", ".join(_LANGUAGES)
        raise TaskProblem(Kind.CONFIGURATION, f"scripts in {named[:40]!r} are not run", f"known are {known}")
    given, environment, words = arguments.get("arguments"), _variables(arguments), list[str]()
    if isinstance(given, dict) and language in ("python", "js"):
        environment[_ARGUMENTS] = json.dumps(given)
        code = (_PYTHON if language == "python" else _NODE) + code
    else:
        words = words_of(cast(object, given))
    if len(code.encode("utf-8", "surrogatepass")) > LONGEST_CODE or "\0" in code:
        raise TaskProblem(
            Kind.CONFIGURATION,
            f"the script has more than {LONGEST_CODE // 1024} KiB, or a NUL character in it",
            "keep it in a file of the workspace, and run that with `run: shell`",
        )
    match language:
        case "python":
            whole = [program, "-c", code, *words]
        case "js":
            whole = [program, "-e", code, "--", *words]
        case _:
            whole = [program, "-c", code, program, *words]
    return _wanted(arguments, f"exec {shlex.join(whole)}", environment, program)


def container_of(arguments: Mapping[str, object]) -> ProcessWanted:
    """`run: container`: what runs in it."""
    line = str(arguments.get("command") or "")
    if line:
        line = " ".join((line, *map(shlex.quote, words_of(arguments.get("arguments")))))
    return _wanted(arguments, line, _variables(arguments))


def output_of(wanted: ProcessWanted, code: int, out: str, err: str) -> object:
    """What the task gives. A standard output that is a JSON object or list gives that, any other its text without the line ends
    behind it."""
    match wanted.gives:
        case "stdout":
            return _value(out)
        case "stderr":
            return err.rstrip("\r\n")
        case "code":
            return code
        case "all":
            return {"code": code, "stdout": out, "stderr": err}
        case _:
            return None


def _value(text: str) -> object:
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            return cast(object, json.loads(stripped))
        except (ValueError, RecursionError):
            pass
    return text.rstrip("\r\n")


def _wanted(
    arguments: Mapping[str, object], line: str, environment: Mapping[str, str], program: str = ""
) -> ProcessWanted:
    gives = arguments.get("return") or "stdout"
    if gives not in RETURNS:
        raise TaskProblem(Kind.CONFIGURATION, f"`return` is {str(gives)[:40]!r}", f"known are {', '.join(RETURNS)}")
    if "\0" in line:
        raise TaskProblem(Kind.CONFIGURATION, "the command holds a NUL character, which none can")
    stdin = arguments.get("stdin")
    data = b"" if stdin is None else as_word(stdin).encode("utf-8", "surrogatepass")
    return ProcessWanted(line, environment, data, str(gives), arguments.get("await") is not False, program)


def _variables(arguments: Mapping[str, object]) -> dict[str, str]:
    given = arguments.get("environment")
    return environment_of(cast("dict[str, object]", given)) if isinstance(given, dict) else {}


def _text(arguments: Mapping[str, object], key: str) -> str:
    found = arguments.get(key)
    if not isinstance(found, str) or not found.strip():
        raise TaskProblem(Kind.CONFIGURATION, f"`{key}` is missing, or is no text")
    return found
