"""Sessions of the editor: each is one of Stigmer's."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from acp.interfaces import Client as Editor

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session, SessionSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.client import Client
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.ids import new_id
from stigmer_apis.protocol import API_VERSION
from stigmer_tui.acp.modes import AS_THE_AGENT_SAYS, policy_of
from stigmer_tui.acp.prompts import Prompt
from stigmer_tui.acp.running import Place, Running

SHELL_MODEL = "shell"
WORKSPACE_KEY = "stigmer.workspace"
SUBJECT_CHARACTERS = 80
PAGE = 1000


def checked_directory(cwd: str) -> Path:
    """The directory of a session, without links. Raises `InvalidArgument`."""
    if not os.path.isabs(cwd):
        raise InvalidArgument(f"the directory {cwd!r} is not absolute", remedy="name it from the root on")
    path = Path(os.path.realpath(cwd))
    if not path.is_dir():
        raise InvalidArgument(f"there is no directory {cwd!r}", remedy="open one that exists")
    return path


@dataclass
class EditorSession:
    """What is known of one session."""

    client: Client
    editor: Editor
    session: Session
    agent: Agent
    workspace: Path
    mode: str = AS_THE_AGENT_SAYS
    running: Running | None = None
    """The execution that goes on, or the last one."""
    cancel_wanted: bool = False
    starting: bool = False

    @property
    def id(self) -> str:
        """As editor and Stigmer call it."""
        return self.session.metadata.id

    @property
    def is_shell(self) -> bool:
        """Whether what it is sent is run as a command line."""
        return self.agent.spec.model == SHELL_MODEL

    @property
    def place(self) -> Place:
        """Where its executions are told."""
        return Place(self.client, self.editor, self.id, self.workspace, self.is_shell)

    async def prompt(self, prompt: Prompt) -> Running:
        """Hand the prompt over: to the execution that goes on, or to a new one. Raises what the daemon says."""
        if self.running is not None and not self.running.ended:
            if prompt.attachments:
                raise InvalidArgument(
                    "a run that goes on takes words alone", remedy="wait until it has ended, or send text without files"
                )
            await self.running.prompt(prompt.text)
            return self.running
        if self.starting:
            raise InvalidArgument("a prompt of this session is just being sent", remedy="wait for it")
        self.starting, self.cancel_wanted = True, False
        try:
            await self._name(prompt.text)
            execution = await self.client.run(
                "",
                prompt.text,
                workspace=str(self.workspace),
                session_id=self.id,
                policy=None if self.is_shell else policy_of(self.mode, self.agent.spec.policy),
                attachments=prompt.attachments,
            )
            running = Running(self.place, execution.metadata.id)
            running.follow()
            self.running = running
        finally:
            self.starting = False
        if self.cancel_wanted:
            await running.cancel()
        return running

    async def cancel(self) -> None:
        """Stop what goes on. Raises what the daemon says."""
        self.cancel_wanted = True
        if self.running is not None:
            await self.running.cancel()

    async def choose_mode(self, mode: str) -> None:
        """Another policy, from the next tool call on. Raises what the daemon says."""
        policy = policy_of(mode, self.agent.spec.policy)
        if self.running is not None and not self.running.ended:
            await self.client.steering.change_policy(self.running.execution_id, policy or self.agent.spec.policy)
        self.mode = mode

    async def replay(self) -> None:
        """Tell the editor everything that happened in it, and follow what goes on. Raises what the daemon says."""
        for execution_id in await self._executions():
            running = Running(self.place, execution_id, past=True)
            await running.replay()
            self.running = running
        if self.running is not None and not self.running.ended:
            self.running.follow()

    async def _executions(self) -> Sequence[str]:
        """The oldest first."""
        found: list[str] = []
        token = ""
        while True:
            page = await self.client.list_executions(
                ExecutionFilter(session_id=self.id), page_size=PAGE, page_token=token, oldest_first=True
            )
            found += [row.execution_id for row in page.executions]
            token = page.next_page_token
            if not token:
                return found

    async def _name(self, text: str) -> None:
        """The first message is what the session is about."""
        if self.session.spec.subject:
            return
        line = next((each.strip() for each in text.splitlines() if each.strip()), "")
        self.session.spec.subject = line[:SUBJECT_CHARACTERS]
        response = await self.client.resources.apply([Resource(session=self.session)])
        self.session.CopyFrom(response.applied[0].after.session)


async def new_session(client: Client, editor: Editor, agent_name: str, workspace: Path) -> EditorSession:
    """A session of the agent in that directory. Raises `NotFound`, and what else the daemon says."""
    agent = await client.get_agent(agent_name)
    session = Session(
        api_version=API_VERSION,
        kind="Session",
        metadata=ApiResourceMetadata(name=new_id("acp"), owner_scope=ApiResourceOwnerScope.organization),
        spec=SessionSpec(agent_instance_id=agent.status.default_instance_id, metadata={WORKSPACE_KEY: str(workspace)}),
    )
    response = await client.resources.apply([Resource(session=session)])
    return EditorSession(client, editor, response.applied[0].after.session, agent, workspace)


async def open_session(client: Client, editor: Editor, session_id: str, workspace: Path) -> EditorSession:
    """A session that there is. Raises `NotFound`; `InvalidArgument` where it works in another directory."""
    session = await client.get_session(session_id)
    kept = session.spec.metadata.get(WORKSPACE_KEY, "")
    if kept and kept != str(workspace):
        raise InvalidArgument(
            f"the session {session_id} works in {kept}, not in {workspace}",
            remedy="open that directory, or a new session",
        )
    instance = await client.resources.get(ApiResourceKind.agent_instance, session.spec.agent_instance_id)
    agent = await client.get_agent(instance.agent_instance.spec.agent_id)
    return EditorSession(client, editor, session, agent, workspace)
