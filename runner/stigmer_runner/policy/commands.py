"""A command line taken apart by the shell's real grammar, with a second, stricter reader beside it.

Every simple command is found: in lists, pipelines, subshells, substitutions, here-documents, loops, functions. Whether the
line is *understood* is another question: only where nothing in it depends on what is known no sooner than it runs.
"""

from collections.abc import Generator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_bash

from stigmer_runner.policy.lexing import LONGEST, NotUnderstood, plain_commands

_LITERAL = frozenset({"word", "number", "raw_string", "string", "concatenation", "string_content"})
_MOST_NODES = 200_000


@dataclass(frozen=True)
class SimpleCommand:
    """One simple command."""

    words: tuple[str | None, ...]
    """The program and its arguments, quotes removed; None for a word that is known no sooner than it runs."""

    @property
    def known(self) -> tuple[str, ...]:
        """The words up to the first that is not known."""
        known: list[str] = []
        for word in self.words:
            if word is None:
                break
            known.append(word)
        return tuple(known)


@dataclass(frozen=True)
class ParsedLine:
    """A line taken apart."""

    commands: tuple[SimpleCommand, ...]
    """In the order in which they stand."""
    obstacle: str = ""
    """What in the line cannot be told for sure, in words; empty where all of it is understood."""

    @property
    def understood(self) -> bool:
        """Whether the commands are all there is, and all their words are known."""
        return not self.obstacle


def parse(line: str) -> ParsedLine:
    """Take `line` apart. Never raises."""
    if len(line) > LONGEST:
        return ParsedLine((), f"it is longer than {LONGEST} characters")
    commands, broken = _grammar(line)
    try:
        plain = plain_commands(line)
    except NotUnderstood as error:
        return ParsedLine(commands, str(error))
    if broken:
        return ParsedLine(commands, "it does not follow the shell's grammar")
    if plain != [command.words for command in commands]:
        return ParsedLine(commands, "it can be read in two ways")
    return ParsedLine(commands)


def _grammar(line: str) -> tuple[tuple[SimpleCommand, ...], bool]:
    source = line.encode("utf-8", "replace")
    tree = tree_sitter.Parser(_LANGUAGE).parse(source)
    commands = tuple(SimpleCommand(_words(node)) for node in _nodes(tree.root_node) if node.type in _COMMANDS)
    return commands, tree.root_node.has_error


_COMMANDS = frozenset({"command", "declaration_command", "unset_command", "test_command"})


def _nodes(root: tree_sitter.Node) -> Generator[tree_sitter.Node]:
    waiting, seen = [root], 0
    while waiting and seen < _MOST_NODES:
        node = waiting.pop()
        seen += 1
        yield node
        waiting.extend(reversed(node.children))


def _words(command: tree_sitter.Node) -> tuple[str | None, ...]:
    if command.type != "command":
        first = command.children[0] if command.children else None
        return (first.text.decode("utf-8", "replace") if first is not None and first.text else None, None)
    words: list[str | None] = []
    for child in command.named_children:
        match child.type:
            case "command_name":
                inner = child.named_children
                words.append(_literal(inner[0]) if len(inner) == 1 else None)
            case "variable_assignment" | "file_redirect" | "heredoc_redirect" | "herestring_redirect" | "comment":
                continue
            case _:
                words.append(_literal(child))
    return tuple(words)


def _literal(node: tree_sitter.Node) -> str | None:
    """The word that `node` is; None where that is not known before it runs."""
    text = node.text.decode("utf-8", "replace") if node.text is not None else ""
    match node.type:
        case "word" | "number" | "string_content":
            return None if any(character in text for character in "\\*?[{$`") or text.startswith("~") else text
        case "raw_string":
            return text[1:-1]
        case "string":
            return _quoted(text)
        case "concatenation":
            parts = [_literal(child) for child in node.children]
            return None if any(part is None for part in parts) else "".join(part or "" for part in parts)
        case _:
            return None


def _quoted(text: str) -> str | None:
    inner = text[1:-1]
    return None if any(character in inner for character in "$`\\!") else inner


_LANGUAGE = tree_sitter.Language(tree_sitter_bash.language())
