"""`${ }`: found in texts, and checked for what can be told without evaluating it: brackets, quotes, variables. It is jq, which is compiled elsewhere."""

import re
from dataclasses import dataclass, field

from stigmer_apis.workflow import limits

KNOWN = frozenset(
    {"context", "input", "output", "data", "env", "task", "workflow", "runtime", "secrets", "authorization", "__loc__"}
)
"""Variables that are there in every expression."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<variable>\$[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)"""
    r"""|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)|(?P<word>@?[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
_FORBIDDEN = {
    "$ENV": "`$ENV` would show the environment of the process: what a workflow may know of it is in `$env`",
    "env": "`env` would show the environment of the process: what a workflow may know of it is in `$env`",
    "input": "`input` reads further documents, of which there are none: what the task was given is `$input`",
    "inputs": "`inputs` reads further documents, of which there are none: what the task was given is `$input`",
    "$__prog_args": "a workflow's expression has no arguments: what the task was given is `$input`",
    "debug": "`debug` prints, and nobody would see it: keep what you want to see by `export`",
    "stderr": "`stderr` prints, and nobody would see it: keep what you want to see by `export`",
    "halt": "`halt` would end the evaluation: a task ends by `then: end`",
    "halt_error": "`halt_error` would end the evaluation: fail by `error(...)`, or by a task with `raise`",
    "input_filename": "there is no file that is read",
    "input_line_number": "there is no file that is read",
    "get_search_list": "there are no modules",
    "modulemeta": "there are no modules",
}
_SECRET = re.compile(r"""\$secrets(?:\.([A-Za-z_][A-Za-z0-9_]*)|(?:\.)?\[\s*"([^"\\]+)"\s*\])""")
_BROKEN_OFF = (
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    ",",
    "=",
    "<",
    ">",
    "and",
    "or",
    "not_",
    "as",
    "then",
    "else",
    "if",
    "elif",
)


@dataclass(slots=True)
class Scan:
    """What was seen in one expression."""

    wrong: str = ""
    """What is wrong with it; empty where nothing is seen to be."""
    remedy: str = ""
    used: set[str] = field(default_factory=set[str])
    """Variables, without `$`, that it does not bind itself."""
    secrets: set[str] = field(default_factory=set[str])
    """Names of secrets that it asks for."""


def inside(text: str) -> str | None:
    """What stands between `${` and `}`; None where the text is no expression as a whole."""
    stripped = text.strip()
    return stripped[2:-1].strip() if stripped.startswith("${") and stripped.endswith("}") else None


def scan(expression: str) -> Scan:
    """Look at an expression, without `${ }`."""
    if len(expression) > limits.EXPRESSION:
        return Scan(
            f"an expression of {len(expression)} characters is too long", f"at most {limits.EXPRESSION} are read"
        )
    if not expression.strip():
        return Scan("the expression is empty", "write `.` for all of the data")
    scanner = _Scanner(expression)
    scanner.run()
    found = scanner.found
    found.used -= scanner.bound
    found.secrets = {one or other for one, other in _SECRET.findall(expression)}
    return found


class _Scanner:
    """One pass over an expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[str] = []
        """Brackets; `"` stands for a string that an interpolation `\\(` interrupts."""
        self._binding = -1
        """How many brackets were open where `as` or `def` began to bind; -1: it does not."""
        self._last = ""
        self.bound: set[str] = set()
        self.found = Scan()

    def run(self) -> None:
        while self._at < len(self._text) and not self.found.wrong:
            if self._text[self._at] == '"':
                self._at += 1
                self._string()
            else:
                self._token()
        if self.found.wrong:
            return
        if self._open:
            self._fail(f"`{self._open[-1]}` is not closed", f"add `{_OPENING.get(self._open[-1], chr(34))}`")
        elif self._last in _BROKEN_OFF:
            self._fail(f"nothing follows on `{self._last}`", "complete the expression")

    def _fail(self, wrong: str, remedy: str) -> None:
        self.found.wrong, self.found.remedy = f"in the expression, {wrong}", remedy

    def _string(self) -> None:
        """From inside a string to its end, or to an interpolation."""
        while self._at < len(self._text):
            here = self._text[self._at]
            if here == "\\" and self._text[self._at + 1 : self._at + 2] == "(":
                self._at += 2
                self._open += ['"', "("]
                self._last = "("
                return
            self._at += 2 if here == "\\" else 1
            if here == '"':
                self._last = '"'
                return
        self._fail('a `"` is not closed', "close the quotes")

    def _token(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        assert found is not None
        before, self._at = self._at, found.end()
        kind, word = found.lastgroup, found.group()
        match kind:
            case "space":
                return
            case "variable":
                self._variable(word)
            case "word":
                self._word(word, before)
            case "other":
                self._sign(word)
            case _:
                pass
        if not self.found.wrong:
            self._last = word

    def _variable(self, word: str) -> None:
        if word in _FORBIDDEN:
            self._fail(f"{word} cannot be used", _FORBIDDEN[word])
        elif self._binding >= 0 or self._last in ("label", "break"):
            self.bound.add(word[1:])
        else:
            self.found.used.add(word[1:])

    def _word(self, word: str, at: int) -> None:
        if word in ("as", "def"):
            self._binding = len(self._open)
        is_key = bool(re.match(r"\s*:", self._text[self._at :])) or (
            self._open[-1:] == ["{"] and self._last in ("{", ",")
        )
        if word in _FORBIDDEN and not is_key and self._last not in (".", "def", "?") and self._text[at - 1 : at] != ".":
            self._fail(f"`{word}` cannot be used", _FORBIDDEN[word])

    def _sign(self, sign: str) -> None:
        if self._binding == len(self._open) and (
            sign == "|" or sign == ":" or (sign == "(" and self._last[:1] in "$]}")
        ):
            self._binding = -1
        if sign in _OPENING:
            self._open.append(sign)
        elif sign in _CLOSING:
            if not self._open or self._open[-1] != _CLOSING[sign]:
                self._fail(f"`{sign}` closes nothing", "take it out, or open it before")
                return
            self._open.pop()
            if sign == ")" and self._open[-1:] == ['"']:
                self._open.pop()
                self._string()
        elif sign == "'":
            self._fail("there is a `'`", 'texts stand in double quotes: "..."')
        elif sign == "$":
            self._fail("`$` has no name behind it", "write the name of a variable, such as $input")
