"""For whom and where the board's composer starts runs: the agent and the directory, each with a line to choose it in."""

from collections.abc import Callable, Sequence
from pathlib import Path

from textual.suggester import SuggestFromList

from stigmer_apis.errors import StigmerError
from stigmer_tui.frame.first_agent import ASSISTANT, in_order, model_is_there
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.board.welcome import Words, welcome
from stigmer_tui.widgets.line import Part
from stigmer_tui.widgets.prompt_line import PromptLine

SHELL = "shell"
SHOWN_AGENTS = 12
OTHER_ROWS = 6
"""Rows of the screen that are not the list's."""
KNOWN_AGENTS = 200
"""How many agents' names the line for choosing one completes."""


class Starting:
    """Two lines, shown while one writes into them."""

    def __init__(self, workstation: Workstation, chosen: Callable[[], None], looked: Callable[[], None]) -> None:
        """`chosen` is told when something was chosen, or was left as it was; `looked` when it is known whether there is a model."""
        self._workstation = workstation
        self._chosen = chosen
        self._looked = looked
        self._model: bool | None = None
        """Whether a model can be asked; None before anybody looked."""
        self._looking = False
        self.workspace_line = PromptLine(
            "directory that new sessions work in; nothing: one of their own", self._workspace_left, id="workspace"
        )
        self.agent_line = PromptLine("agent that the next run is started with", self._agent_left, id="agent")

    def words(self) -> list[Part]:
        """For whom and where, as it stands: somebody may have set up a model meanwhile."""
        self._looking = False
        app = self._workstation
        where = safe(str(app.workspace)) if app.workspace else "each session's own directory"
        return [(safe(Untrusted(app.agent)), "text"), ("  in ", "muted"), (where, "text")]

    def welcome(self) -> Sequence[Words]:
        """How to begin; with what there is to ask, once that is known."""
        app = self._workstation
        if not self._looking:
            self._looking = True
            app.run_worker(self._look_for_model)
        return welcome(shell=app.agent == SHELL, model=self._model, rows=app.size.height - OTHER_ROWS)

    async def _look_for_model(self) -> None:
        self._model = await model_is_there(await self._workstation.client(), self._workstation.home)
        self._looked()

    def ask_workspace(self) -> PromptLine:
        """The line for the directory."""
        self.workspace_line.value = str(self._workstation.workspace or "")
        return self.workspace_line

    def ask_agent(self) -> PromptLine:
        """The line for the agent, which completes names."""
        self._workstation.run_worker(self._offer_agents)
        self.agent_line.value = "" if self._workstation.agent == SHELL else self._workstation.agent
        return self.agent_line

    def _workspace_left(self, accepted: bool) -> None:
        written = self.workspace_line.value.strip()
        if accepted and written:
            path = Path(written).expanduser().absolute()
            if not path.is_dir():
                self._workstation.say(f"{path} is no directory. Write one that is there, or nothing.", wrong=True)
                return
            self._workstation.workspace = path
        elif accepted:
            self._workstation.workspace = None
        self.workspace_line.display = False
        self._chosen()

    async def _offer_agents(self) -> None:
        """Complete what is written to the name of an agent that is there."""
        client = await self._workstation.client()
        try:
            page = await client.list_agents(page_size=KNOWN_AGENTS)
        except StigmerError as error:
            self._workstation.say_error(error)
            return
        ready = await model_is_there(client, self._workstation.home)
        slugs = in_order([agent.metadata.slug for agent in page.agents], with_model=ready)
        if ready and ASSISTANT in slugs and self._workstation.agent == SHELL and not self.agent_line.value:
            self.agent_line.value = ASSISTANT
            self.agent_line.action_select_all()
        self.agent_line.suggester = SuggestFromList(slugs, case_sensitive=False)
        self._workstation.say(f"Agents: {', '.join(slugs[:SHOWN_AGENTS])}{' …' if len(slugs) > SHOWN_AGENTS else ''}")

    def _agent_left(self, accepted: bool) -> None:
        written = self.agent_line.value.strip()
        if accepted:
            self._workstation.agent = written or SHELL
        self.agent_line.display = False
        self._chosen()
