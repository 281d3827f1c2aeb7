"""A command, an option or a page that is named in the text exists."""

import re
from pathlib import Path

import click
import pytest

from stigmer_tui.cli.root import root
from tests.docs.blocks import ROOT, pages

MENTION = re.compile(r"(?<!`)`(stigmer [^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
LATER = frozenset({"artifact"})
"""Commands that the comments of the interface name, and that come later."""
MORE = [ROOT / name for name in ("SECURITY.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md")]
PAGES = {str(page.relative_to(ROOT)): page for page in (*pages(), *MORE) if page.exists()}


def problem_of(words: list[str]) -> str:
    """What is wrong with a command line; empty where nothing is. Words in capitals, `...` and `|` stand for something."""
    command: click.Command = root
    context = click.Context(root, info_name="stigmer")
    for position, word in enumerate(words):
        if word in ("|", "...", ">", "<") or word.isupper():
            break
        if word.startswith("-"):
            known = {
                each
                for parameter in command.get_params(context)
                for each in (*parameter.opts, *parameter.secondary_opts)
            }
            if word.partition("=")[0] not in known:
                return f"`stigmer {' '.join(words[:position])}` has no option {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if word in LATER:
                break
            if found is None:
                return f"there is no command `stigmer {' '.join(words[: position + 1])}`"
            command, context = found, click.Context(found, info_name=word, parent=context)
    return ""


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_commands_and_options_that_are_named_exist(page: Path) -> None:
    problems = [problem_of(mention.split()[1:]) for mention in MENTION.findall(page.read_text())]
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    missing = [
        page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md" and f"({page.name})" not in index
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["server", "start"], True),
        (["server", "sing"], False),
        (["run", "shell", "--message", "x"], True),
        (["run", "shell", "--massage", "x"], False),
        (["get", "executions"], True),
    ],
)
def test_the_check_itself(words: list[str], right: bool) -> None:
    assert (problem_of(words) == "") is right
