"""Puts the demonstration up: a home and a project of its own, a script that answers on loopback, an agent; and takes it down again."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import psutil
import yaml

import stigmer_tui.demo
from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec, SubAgent
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.client import Client
from stigmer_apis.errors import Unavailable
from stigmer_apis.home import HOME_VARIABLE, Home
from stigmer_apis.protocol import API_VERSION

LABEL = "Demonstration: a script answers in place of a model. Everything else is real, in a directory of its own."
MODEL = "ollama/demonstration"
_PROVIDER = ("-m", "stigmer_runner.models.scripted")
_SETTINGS = ("STIGMER_LLM_", "ANTHROPIC_", "OPENAI_", "OLLAMA_", "STIGMER_BACKEND_", "MODE", "STIGMER_PASSPHRASE")
"""Variables of the person's that have no part in it."""
_URL_SECONDS = 20.0
_END_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What was put up."""

    home: Home
    project: Path
    agent: str
    message: str


@asynccontextmanager
async def staged(*, ask: bool, speed: float, keep: Path | None) -> AsyncGenerator[Stage]:
    """The stage, for the block. `ask`: the agent asks before it changes anything. `speed`: how fast the script talks, 1 as a model does.

    With `keep` the project is made there and stays. Everything else is ended and removed.
    """
    told = cast("dict[str, Any]", yaml.safe_load(files(stigmer_tui.demo).joinpath("project.yaml").read_text("utf-8")))
    place = Path(tempfile.mkdtemp(prefix="stigmer-demo-"))
    project = keep or place / "project"
    before = dict(os.environ)
    try:
        _write(project, told["files"])
        async with _provider(script_of(place, ask=ask, speed=speed)) as url:
            _set_environment(place / "home", url)
            home = Home.from_environment()
            async with Client(home) as client:
                await client.resources.apply([_agent(told["agent"], ask=ask)])
                try:
                    yield Stage(home, project, told["agent"]["name"], told["message"])
                finally:
                    await _ended((await client.shutdown()).pid)
    finally:
        os.environ.clear()
        os.environ.update(before)
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)


async def _ended(pid: int) -> None:
    """Wait until the daemon is gone, and with it its runner: their directory goes next."""
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        await asyncio.to_thread(psutil.Process(pid).wait, _END_SECONDS)


def _write(project: Path, contents: Mapping[str, str]) -> None:
    project.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (project / name).write_text(content, "utf-8")


def script_of(place: Path, *, ask: bool, speed: float) -> Path:
    """The script at another speed, and without the question where nobody is asked."""
    told = cast("dict[str, Any]", yaml.safe_load(files(stigmer_tui.demo).joinpath("script.yaml").read_text("utf-8")))
    turns = [turn for turn in told["turns"] if ask or not _asks(turn)]
    others = [turn for conversation in told["conversations"] for turn in conversation["turns"]]
    for turn in (*turns, *others):
        for pause in ("delay", "token_delay"):
            turn[pause] = turn.get(pause, 0.0) / speed
        hint = turn.pop("where_asked", "")
        turn["text"] = turn.get("text", "") + (hint if ask else "")
    path = place / "script.yaml"
    path.write_text(yaml.safe_dump({**told, "turns": turns}, allow_unicode=True), "utf-8")
    return path


def _asks(turn: Mapping[str, Any]) -> bool:
    return any(call["name"] == "ask_person" for call in turn.get("calls", ()))


@asynccontextmanager
async def _provider(script: Path) -> AsyncGenerator[str]:
    """The script, served on loopback; its URL. Raises `Unavailable` where it does not come up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_PROVIDER,
        str(script),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise Unavailable("the script of the demonstration cannot be read")
        async with asyncio.timeout(_URL_SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        if not url:
            raise Unavailable("the script of the demonstration did not come up", remedy="install Stigmer again")
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _set_environment(home: Path, url: str) -> None:
    """For the daemon, which inherits it."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS):
            del os.environ[name]
    os.environ[HOME_VARIABLE] = str(home)
    os.environ["OLLAMA_BASE_URL"] = url


_ANYTHING = Policy.Rule(decision=Policy.DECISION_ALLOW, tool="*")
"""What the script does is known, and it does it in a directory of its own: so nothing is asked where the walls are weaker than usual, either."""


def _agent(told: Mapping[str, str], *, ask: bool) -> Resource:
    return Resource(
        agent=Agent(
            api_version=API_VERSION,
            kind="Agent",
            metadata=ApiResourceMetadata(name=told["name"], owner_scope=ApiResourceOwnerScope.organization),
            spec=AgentSpec(
                description=told["description"],
                instructions=told["instructions"],
                model=MODEL,
                policy=Policy(preset="ask") if ask else Policy(preset="auto", rules=[_ANYTHING]),
                sub_agents=[
                    SubAgent(name="reviewer", description="looks at what was changed", instructions=told["reviewer"])
                ],
            ),
        )
    )
