"""What a screen with a composer does for it: files and commands to complete, the editor, what waits, lines for a shell."""

from collections.abc import Callable, Mapping
from pathlib import Path

from stigmer_tui.screens.queueing import Queueing
from stigmer_tui.screens.steering import COMMANDS
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.composer.bar import ComposerBar
from stigmer_tui.widgets.composer.completing import Sources

SHELL = "shell"
WORKFLOW = "/workflow"
_OF_QUEUE = frozenset({"queue", "take_back", "edit", "withdraw", "undo", "now", "earlier", "later", "leave"})


def shell_line(text: str) -> str | None:
    """The command line that a text after `$` and a space is; None where it is a message."""
    line = text.removeprefix("$ ").strip() if text.startswith("$ ") else ""
    return line or None


class Writing:
    """Serves the composer of one screen."""

    def __init__(
        self,
        workstation: Workstation,
        bar: Callable[[], ComposerBar],
        state: Callable[[], RunState] | None = None,
    ) -> None:
        """`state`: how the run that is written to stands, where there is one."""
        self._workstation = workstation
        self._bar = bar
        self._state = state
        self._queueing = Queueing(workstation, state, bar) if state is not None else None

    def sources(self) -> Sources:
        """What is completed: files of where the run works, commands of a run that a model drives."""
        return Sources(self._workspace, self._is_for_shell, self._commands)

    def show(self) -> None:
        """Show what waits."""
        if self._queueing is not None:
            self._queueing.show()

    def ask(self, what: str) -> bool:
        """Do what an action of the composer is called. False where the screen has to."""
        if what == "editor":
            self._workstation.run_worker(self._edit)
        elif what in _OF_QUEUE and self._queueing is not None:
            self._queueing.ask(what)
        elif what in ("queue", "take_back"):
            self._workstation.say("Messages wait in runs: open one.")
        else:
            return False
        return True

    def to_shell(self, text: str) -> bool:
        """Run a line after `$` beside the agent, where it works. False where it is no such line."""
        line = shell_line(text)
        state = self._state() if self._state is not None else None
        if line is None or state is None or state.agent == SHELL:
            return False
        self._workstation.start_run(SHELL, line, self._workspace())
        return True

    def to_workflow(self, text: str) -> bool:
        """Have the input of a stored workflow written for `/workflow NAME`; without a name show which there are. False where it is no such line."""
        word, *names = text.split()[:3] or [""]
        if word != WORKFLOW or len(names) > 1:
            return False
        if names:
            self._workstation.open_workflow(names[0], run=True)
        else:
            self._workstation.show_library("workflow", "")
        return True

    async def _edit(self) -> None:
        composer = self._bar().composer
        text = await self._workstation.edit(composer.whole_text)
        if text is not None:
            composer.write(text)

    def _is_for_shell(self) -> bool:
        agent = self._workstation.agent if self._state is None else self._state().agent
        return agent in ("", SHELL) or self._bar().composer.text.startswith("$ ")

    def _workspace(self) -> Path | None:
        if self._state is None:
            return self._workstation.workspace
        return Path(self._state().workspace) if self._state().workspace else None

    def _commands(self) -> Mapping[str, str]:
        if self._state is None:
            return {} if self._is_for_shell() else {WORKFLOW: "NAME: run a stored workflow; its input is asked for"}
        return {} if self._state().agent in ("", SHELL) else COMMANDS
