"""Which tools there are, by name."""

from collections.abc import Iterable, Mapping

from stigmer_runner.tools.asking import AskPerson
from stigmer_runner.tools.files.edit import Edit
from stigmer_runner.tools.files.grep import Grep
from stigmer_runner.tools.files.listing import Glob, List
from stigmer_runner.tools.files.read import Read
from stigmer_runner.tools.files.write import Write
from stigmer_runner.tools.interface import Tool
from stigmer_runner.tools.keeping import KeepFile
from stigmer_runner.tools.shell.commands import ReadOutput, Shell, ShellInput, ShellKill, ShellList, ShellWait
from stigmer_runner.tools.todos import Todos
from stigmer_runner.tools.web.fetch import Fetch

ALL: tuple[Tool, ...] = (
    Read(),
    Write(),
    Edit(),
    List(),
    Glob(),
    Grep(),
    Shell(),
    ShellInput(),
    ShellWait(),
    ShellKill(),
    ShellList(),
    ReadOutput(),
    Fetch(),
    KeepFile(),
    Todos(),
    AskPerson(),
)
"""Every tool of ours, in the order in which a model is shown them."""


def builtin_tools(names: Iterable[str] | None = None) -> Mapping[str, Tool]:
    """The tools of those names, in our order; all of them for None. Names that we do not have are passed over: see `unknown`."""
    wanted = None if names is None else frozenset(names)
    return {tool.spec.name: tool for tool in ALL if wanted is None or tool.spec.name in wanted}


def unknown(names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that are no tool of ours, for a message to the person."""
    known = {tool.spec.name for tool in ALL}
    return tuple(name for name in names if name not in known)
