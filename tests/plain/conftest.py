"""One home for the tests of a module, and a way to talk to line mode at a terminal that can do nothing."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.cli.dialogue import Dialogue, dialogue
from tests.loop.stage import Stage, on_stage, opened
from tests.support.require import require_tool
from tests.support.workstation import Workstation

Talk = Callable[..., AbstractContextManager["Talking"]]


class Talking:
    """A dialogue that is read from where the last reading ended."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self._read = 0

    @property
    def shown(self) -> str:
        """All that came so far."""
        return self.dialogue.shown

    def until(self, words: str) -> str:
        """Read until these words come after those of the last time; what was said since."""
        while words not in self.shown[self._read :]:
            self.dialogue.more()
        begin, self._read = self._read, self.shown.index(words, self._read) + len(words)
        return self.shown[begin : self._read]

    def say(self, line: str) -> None:
        """Type a line."""
        self.dialogue.say(line + "\n")

    def number(self) -> str:
        """Read a decision up to where it asks; the number to answer with."""
        asked = self.until("Your decision: ")
        found = re.search(r"once and the number (\d+)", asked)
        assert found is not None, asked
        return found[1]

    def leave(self) -> None:
        """Quit, from the prompt."""
        self.say("quit")
        assert self.dialogue.end() == 0


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """The home."""
    require_tool("bwrap")
    with opened() as workstation:
        yield workstation


@pytest.fixture
async def stage(home: Workstation) -> AsyncGenerator[Stage]:
    """The stage for one test."""
    async with on_stage(home) as made:
        yield made


@pytest.fixture
def talk(home: Workstation) -> Talk:
    """Opens line mode, with the options given, in a terminal of this kind."""

    @contextmanager
    def opening(*options: str, term: str = "dumb") -> Generator[Talking]:
        with dialogue(home.command("tui", "--plain", *options), {**home.environ(), "TERM": term}) as terminal:
            talking = Talking(terminal)
            talking.until("stigmer> ")
            yield talking

    return opening
