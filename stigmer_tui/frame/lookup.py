"""What there is by name: asked of the server when somebody writes a name, and kept for a moment."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.places import Completes
from stigmer_tui.screens.workstation import Workstation

if TYPE_CHECKING:
    from stigmer_apis.client import Client

KEPT_SECONDS = 5.0
MOST = 200
"""Names of a kind that are asked for."""
_LONGEST = 120
Named = Sequence[tuple[str, str]]
"""Names, with a few words about each. Foreign text."""


class Lookup:
    """Answers from the server, or from a moment ago. Where the server cannot be asked, nothing is known."""

    def __init__(self, app: Workstation, known: Mapping[Completes, Callable[[], Named]]) -> None:
        """`known`: what the app itself knows by name."""
        self._app = app
        self._known = known
        self._kept: dict[Completes, tuple[float, Named]] = {}

    async def names(self, wanted: Completes) -> Named:
        """What there is."""
        if wanted in self._known:
            return self._known[wanted]()
        at, known = self._kept.get(wanted, (0.0, ()))
        if at and time.monotonic() - at < KEPT_SECONDS:
            return known
        try:
            known = await _asked(await self._app.client(), wanted)
        except StigmerError as error:
            self._app.say_error(error)
            return ()
        self._kept[wanted] = time.monotonic(), known
        return known


async def _asked(client: "Client", wanted: Completes) -> Named:
    match wanted:
        case Completes.AGENT:
            page = await client.list_agents(page_size=MOST)
            return [(agent.metadata.slug, agent.spec.description[:_LONGEST]) for agent in page.agents]
        case Completes.RUN:
            runs = await client.list_executions(page_size=MOST)
            named = [(row.execution_id, f"{_runs(row)}  {row.subject[:_LONGEST]}") for row in runs.executions]
            return [*named, *((name, f"runs it: {words}") for name, words in await _workflows(client))]
        case Completes.WORKFLOW:
            return await _workflows(client)
        case Completes.SESSION:
            found = await client.resources.list(ApiResourceKind.session, page_size=MOST)
            return [(each.session.metadata.id, each.session.spec.subject[:_LONGEST]) for each in found.resources]
        case _:
            return ()


def _runs(row: ExecutionSummary) -> str:
    """The agent or the workflow."""
    return row.workflow_name or row.agent_name


async def _workflows(client: "Client") -> Named:
    found = await client.resources.list(ApiResourceKind.workflow, page_size=MOST)
    return [(one.workflow.metadata.slug, one.workflow.spec.description[:_LONGEST]) for one in found.resources]
