"""An agent of somebody else's, written with the protocol's library: it does what the first word of the prompt says."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast
from uuid import uuid4

from acp import PROTOCOL_VERSION, RequestError, run_agent
from acp.helpers import (
    plan_entry,
    start_tool_call,
    tool_diff_content,
    update_agent_message_text,
    update_agent_thought_text,
    update_plan,
    update_tool_call,
)
from acp.interfaces import Agent, Client
from acp.schema import (
    AllowedOutcome,
    Cost,
    InitializeResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    StopReason,
    TextContentBlock,
    ToolCallUpdate,
    Usage,
    UsageUpdate,
)

OPTIONS = [
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="always", name="Always", kind="allow_always"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
]


def write(path: str) -> None:
    """Do what was allowed, by itself."""
    Path(path).write_text("new\n")


def exists(path: str) -> bool:
    """Whether it can be seen."""
    return os.path.exists(path)


class Example:
    """The agent."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self.cwd = ""
        self.prompts = 0
        self.instructions = False
        self.cancelled = asyncio.Event()

    def on_connect(self, conn: Client) -> None:
        self._client = conn

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    async def initialize(self, protocol_version: int, **kwargs: object) -> InitializeResponse:
        return InitializeResponse(protocol_version=PROTOCOL_VERSION)

    async def new_session(self, cwd: str, **kwargs: object) -> NewSessionResponse:
        self.cwd = cwd
        return NewSessionResponse(session_id=uuid4().hex)

    async def cancel(self, session_id: str, **kwargs: object) -> None:
        self.cancelled.set()

    async def prompt(self, session_id: str, prompt: list[TextContentBlock], **kwargs: object) -> PromptResponse:
        self.prompts += 1
        text = prompt[-1].text
        self.instructions = len(prompt) > 1 and "Do what you are told" in prompt[0].text
        acts: dict[str, Callable[[str, str], Awaitable[StopReason | None]]] = {
            "hello": self.do_hello,
            "edit": self.do_edit,
            "files": self.do_files,
            "outside": self.do_outside,
            "terminal": self.do_terminal,
            "wait": self.do_wait,
            "look": self.do_look,
            "die": self.do_die,
            "force": self.do_force,
            "flood": self.do_flood,
            "cost": self.do_cost,
        }
        word, _, rest = text.partition(" ")
        stop = await acts[word](session_id, rest)
        usage = Usage(total_tokens=30, input_tokens=20, output_tokens=10)
        return PromptResponse(stop_reason=stop or "end_turn", usage=usage)

    async def say(self, session_id: str, text: str) -> None:
        await self.client.session_update(session_id, update_agent_message_text(text))

    async def do_hello(self, session_id: str, rest: str) -> None:
        await self.client.session_update(session_id, update_agent_thought_text("Somebody greets."))
        await self.client.session_update(session_id, update_plan([plan_entry("Greet back", status="in_progress")]))
        told = " I was told things." if self.instructions else ""
        await self.say(session_id, f"Hello, prompt {self.prompts}.{told}")

    async def do_edit(self, session_id: str, path: str) -> None:
        place = os.path.join(self.cwd, path)
        diff = tool_diff_content(place, "new\n", "old\n")
        await self.client.session_update(
            session_id, start_tool_call("edit-1", f"Edit {path}", kind="edit", status="pending")
        )
        call = ToolCallUpdate(tool_call_id="edit-1", title=f"Edit {path}", kind="edit", content=[diff])
        response = await self.client.request_permission(session_id, call, OPTIONS)
        outcome = response.outcome
        chosen = outcome.option_id if isinstance(outcome, AllowedOutcome) else "cancelled"
        if chosen == "yes":
            write(place)
        status = "completed" if chosen == "yes" else "failed"
        await self.client.session_update(session_id, update_tool_call("edit-1", status=status))
        await self.say(session_id, f"chosen: {chosen}")

    async def do_files(self, session_id: str, path: str) -> None:
        place = os.path.join(self.cwd, path)
        await self.client.write_text_file(session_id, place, "one\ntwo\nthree\n")
        read = await self.client.read_text_file(session_id, place, line=2, limit=1)
        await self.say(session_id, f"read: {read.content}")

    async def do_outside(self, session_id: str, paths: str) -> None:
        for path in paths.split():
            reading = self.client.read_text_file(session_id, path)
            for work in (reading, self.client.write_text_file(session_id, path, "mine")):
                try:
                    await work
                    await self.say(session_id, "It let me.\n")
                except RequestError as error:
                    await self.say(session_id, f"refused: {error}\n")

    async def do_terminal(self, session_id: str, line: str) -> None:
        terminal = await self.client.create_terminal(session_id, "sh", ["-c", line], cwd=self.cwd)
        ended = await self.client.wait_for_terminal_exit(session_id, terminal.terminal_id)
        output = await self.client.terminal_output(session_id, terminal.terminal_id)
        await self.client.release_terminal(session_id, terminal.terminal_id)
        await self.say(session_id, f"exit {ended.exit_code}: {output.output}")

    async def do_wait(self, session_id: str, rest: str) -> StopReason:
        await self.say(session_id, "I wait.")
        await self.cancelled.wait()
        self.cancelled.clear()
        return "cancelled"

    async def do_look(self, session_id: str, path: str) -> None:
        await self.say(session_id, f"there: {exists(path)}")

    async def do_force(self, session_id: str, path: str) -> None:
        try:
            write(os.path.join(self.cwd, path))
        except OSError as error:
            await self.say(session_id, f"refused: {error.strerror}")

    async def do_flood(self, session_id: str, rest: str) -> None:
        while True:
            await self.say(session_id, "water " * 10_000)

    async def do_cost(self, session_id: str, dollars: str) -> None:
        cost = Cost(amount=float(dollars), currency="USD")
        update = UsageUpdate(session_update="usage_update", used=10, size=100, cost=cost)
        await self.client.session_update(session_id, update)
        await self.say(session_id, "That was dear.")

    async def do_die(self, session_id: str, rest: str) -> None:
        await self.say(session_id, "I die.")
        print("a last word", file=sys.stderr, flush=True)
        os._exit(7)


if __name__ == "__main__":
    asyncio.run(run_agent(cast(Agent, Example())))
