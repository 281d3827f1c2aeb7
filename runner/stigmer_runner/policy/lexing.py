"""A strict reader of command lines: it takes apart the plain ones, and refuses all that a shell might see differently.

It is the second opinion beside the real grammar (`commands`): a line is understood only where both say the same. What it
takes: words of ordinary characters, quoted text without expansions, `&&`, `||`, `|`, `;`, line ends, `( )`, and the
redirections to /dev/null and between outputs.
"""

import re
import unicodedata

LONGEST = 64 * 1024
MOST_COMMANDS = 500

RESERVED = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "function",
        "select",
        "time",
        "coproc",
        "[[",
        "]]",
        "{",
        "}",
        "!",
    ]
)
_DUPLICATION = re.compile(r"[012]?>&[012](?=[\s;|&)]|\Z)")
_NULL = re.compile(r"(?:[012]?>>?|&>>?)[ \t]*/dev/null(?=[\s;|&)]|\Z)")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[.*\])?\+?=")
_DIGITS = re.compile(r"[0-9]+\Z")

_REFUSED = {
    "$": "an expansion",
    "`": "a command substitution",
    "\\": "a backslash",
    "*": "a pattern for file names",
    "?": "a pattern for file names",
    "[": "a pattern for file names",
    "{": "a brace",
    "}": "a brace",
    "!": "an exclamation mark",
    "<": "a redirection",
    ">": "a redirection to a file",
}


class NotUnderstood(Exception):
    """A line is not one that can be told for sure; the text says what in it."""


def plain_commands(line: str) -> list[tuple[str, ...]]:
    """The words of each simple command of `line`. Raises `NotUnderstood`."""
    _check_characters(line)
    return _Lexer(line).read()


def _check_characters(line: str) -> None:
    if len(line) > LONGEST:
        raise NotUnderstood(f"it is longer than {LONGEST} characters")
    for character in line:
        if character in "\n\t" or " " <= character <= "~":
            continue
        if character < " " or unicodedata.category(character)[0] in "CZ":
            raise NotUnderstood(f"it holds the invisible character U+{ord(character):04X}")


class _Lexer:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._commands: list[tuple[str, ...]] = []
        self._words: list[str] = []
        self._word: list[str] | None = None
        self._quoted = False
        self._depth = 0
        self._closed = False
        """Whether a subshell just ended: only an operator or a redirection may follow."""
        self._wanted = False
        """Whether an operator waits for its second command."""

    def read(self) -> list[tuple[str, ...]]:
        while self._at < len(self._line):
            self._step(self._line[self._at])
        self._end_command(operator=False)
        if self._wanted or self._depth:
            raise NotUnderstood("it is not complete")
        if not self._commands:
            raise NotUnderstood("it holds no command")
        return self._commands

    def _step(self, character: str) -> None:
        line, at = self._line, self._at
        if character in " \t":
            self._end_word()
            self._at += 1
        elif character in ";\n":
            self._separator(character)
        elif (found := self._redirection()) is not None:
            self._at += found
        elif line.startswith(("&&", "||"), at) and line[at + 2 : at + 3] not in ("&", "|"):
            self._end_command(operator=True)
            self._at += 2
        elif character == "|" and line[at + 1 : at + 2] not in ("|", "&"):
            self._end_command(operator=True)
            self._at += 1
        elif character in "&|":
            raise NotUnderstood("it runs something in the background" if character == "&" else "it holds |&")
        elif character in "()":
            self._parenthesis(character)
        elif character in "'\"":
            self._quote(character)
        else:
            self._plain(character)

    def _redirection(self) -> int | None:
        """The length of a harmless redirection here; it belongs to no word."""
        started = self._word is not None
        match = _DUPLICATION.match(self._line, self._at) or _NULL.match(self._line, self._at)
        if match is None or (started and (self._quoted or match.group()[0] not in ">&")):
            return None
        if started and match.group()[0] == ">" and _DIGITS.match("".join(self._word or ())):
            raise NotUnderstood("it redirects another descriptor than 0, 1 or 2")
        if not started and match.group()[0] in "012" and self._at and self._line[self._at - 1] not in " \t":
            return None
        self._end_word()
        if not self._words and not self._closed:
            raise NotUnderstood("a redirection stands before the command")
        return match.end() - self._at

    def _separator(self, character: str) -> None:
        if character == ";":
            if not self._words and self._word is None and not self._closed:
                raise NotUnderstood("a ; stands alone")
            self._end_command(operator=False)
        elif not self._wanted or self._words or self._word is not None or self._closed:
            self._end_command(operator=False)
        self._at += 1

    def _parenthesis(self, character: str) -> None:
        self._end_word()
        if character == "(":
            if self._words or self._closed or self._line.startswith("((", self._at):
                raise NotUnderstood("a parenthesis stands where no subshell can")
            self._depth += 1
            self._wanted = True
        else:
            if not self._depth:
                raise NotUnderstood("a parenthesis is closed that was not opened")
            self._end_command(operator=False)
            if self._wanted:
                raise NotUnderstood("a subshell is empty or not complete")
            self._depth -= 1
            self._closed = True
        self._at += 1

    def _quote(self, quote: str) -> None:
        end = self._line.find(quote, self._at + 1)
        if end < 0:
            raise NotUnderstood("a quote is not closed")
        content = self._line[self._at + 1 : end]
        if quote == '"' and any(character in content for character in "$`\\!"):
            raise NotUnderstood("a quoted text holds an expansion")
        self._add(content)
        self._quoted = True
        self._at = end + 1

    def _plain(self, character: str) -> None:
        if character in _REFUSED:
            raise NotUnderstood(f"it holds {_REFUSED[character]}")
        before = self._line[self._at - 1 : self._at]
        if character == "~" and (self._word is None or before in ("=", ":")):
            raise NotUnderstood("it holds a home directory")
        if character == "#" and self._word is None:
            raise NotUnderstood("it holds a comment")
        self._add(character)
        self._at += 1

    def _add(self, text: str) -> None:
        if self._closed:
            raise NotUnderstood("something follows a subshell")
        if self._word is None:
            self._word, self._quoted = [], False
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is None:
            return
        word = "".join(self._word)
        if not self._words:
            if word in RESERVED:
                raise NotUnderstood(f"it holds the word {word!r} of the shell's own language")
            if _ASSIGNMENT.match(word):
                raise NotUnderstood("it sets a variable for a command")
        self._words.append(word)
        self._word = None

    def _end_command(self, *, operator: bool) -> None:
        self._end_word()
        if self._words:
            self._commands.append(tuple(self._words))
            if len(self._commands) > MOST_COMMANDS:
                raise NotUnderstood(f"it has more than {MOST_COMMANDS} commands")
            self._wanted = False
        elif self._closed:
            self._wanted = False
        elif operator:
            raise NotUnderstood("an operator stands where a command should")
        self._words, self._closed = [], False
        self._wanted = operator or self._wanted
