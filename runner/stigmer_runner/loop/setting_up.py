"""The activities that assemble what a model is told, and find out what a model's name means."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec, SubAgent
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, LogLevel, LogLine, ModelChanged
from stigmer_runner.durable.messages import (
    CHOOSE_MODEL,
    SET_UP,
    AgentRequest,
    ChosenModel,
    SetUp,
    SubAgentInfo,
    ToolInfo,
)
from stigmer_runner.durable.tool_turn import ASK_PERSON, DELEGATE
from stigmer_runner.engine.activities import Activity, ActivityCall
from stigmer_runner.engine.errors import ActivityFailure
from stigmer_runner.loop.default_model import NOTHING, default_model
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.prompt import Rules, rules_for, system_prompt
from stigmer_runner.loop.remembering import remembered
from stigmer_runner.loop.windows import answer_tokens, context_tokens
from stigmer_runner.models.choosing import ModelName, choose
from stigmer_runner.models.port import ModelError
from stigmer_runner.tools.interface import Effect, Tool
from stigmer_runner.tools.registry import unknown

MEMORY_SHARE = 0.4
"""The part of a context that the session's past may take."""


class SetUpAgent(Activity):
    """Assembles what a model is told before the first message."""

    name = SET_UP
    argument_types = (AgentRequest,)
    repeatable = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def run(self, call: ActivityCall) -> object:
        """Assemble it. Fails for good where there is no model to ask."""
        request = call.arguments[0]
        if not isinstance(request, AgentRequest):
            raise TypeError(f"{SET_UP} takes an AgentRequest")
        ground = self._ground
        chosen = _chosen(ground, request.model or ground.config.model.strip() or await _default(ground))
        rules = await asyncio.to_thread(rules_for, ground.session.workspace)
        sub_agents = tuple(SubAgentInfo(each.name, each.description) for each in ground.agent.spec.sub_agents)
        helper = ground.sub_agent(request.sub_agent) if request.sub_agent else None
        past = () if helper else await ground.read_memory()
        tools = await ground.all_tools(request.sub_agent, lambda events: call.record(events, urgent=True))
        notes = (*_notes(ground), *map(_warning, () if helper else ground.servers.problems()))
        call.conclude(ground.stamped(notes))
        return SetUp(
            provider=chosen.provider,
            model=chosen.model,
            context_tokens=chosen.context_tokens,
            answer_tokens=chosen.answer_tokens,
            system=self._system(helper or ground.agent.spec, rules),
            tools=tuple(self._tools(tools, () if helper else sub_agents)),
            sub_agents=() if helper else sub_agents,
            memory=remembered(past, int(chosen.context_tokens * MEMORY_SHARE)),
        )

    def _system(self, spec: AgentSpec | SubAgent, rules: Sequence[Rules]) -> str:
        walls = (
            "in a sandbox"
            if self._ground.session.place.sandbox.description.walls
            else "without walls: a person is asked about each"
        )
        now = datetime.fromtimestamp(self._ground.clock() / 1e6, UTC)
        skills = self._ground.skills.told(spec.skill_refs)
        return system_prompt(spec.instructions, rules, self._ground.session.workspace, now, walls, skills)

    def _tools(self, tools: Mapping[str, Tool], sub_agents: Sequence[SubAgentInfo]) -> Sequence[ToolInfo]:
        found = [
            ToolInfo(name, tool.parallel, tool.effect.repeatable, joined=tool.effect is not Effect.WRITE)
            for name, tool in tools.items()
            if name != ASK_PERSON
        ]
        if not self._ground.agent.spec.tools or ASK_PERSON in self._ground.agent.spec.tools:
            found.append(ToolInfo(ASK_PERSON, parallel=False, repeatable=True))
        if sub_agents:
            found.append(ToolInfo(DELEGATE, parallel=True, repeatable=True))
        return found


class ChooseModel(Activity):
    """Finds out what a model's name means. A name that means nothing leaves the model as it is, and is told."""

    name = CHOOSE_MODEL
    argument_types = (str,)
    repeatable = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def run(self, call: ActivityCall) -> object:
        """Find out."""
        wanted = str(call.arguments[0])
        try:
            chosen = _chosen(self._ground, wanted)
        except ActivityFailure as error:
            line = LogLine(level=LogLevel.LOG_LEVEL_WARNING, component="runner", text=error.message)
            call.conclude(self._ground.stamped([Event(log_line=line)]))
            return ChosenModel("", "", 0, 0)
        changed = ModelChanged(provider=chosen.provider, model=chosen.model)
        call.conclude(self._ground.stamped([Event(model_changed=changed)]))
        return chosen


def _chosen(ground: Ground, wanted: str) -> ChosenModel:
    try:
        name: ModelName = choose(wanted, ground.config)
    except ModelError as error:
        raise ActivityFailure(str(error), kind=f"Model.{error.code}", retryable=False) from error
    context = context_tokens(name.provider, name.model)
    return ChosenModel(name.provider, name.model, context, answer_tokens(ground.settings().max_tokens, context))


async def _default(ground: Ground) -> str:
    """The model of an agent that names none, where none is configured. Raises `ActivityFailure` where there is none, with what to do."""
    found = await default_model(ground.config, ground.has_key)
    if found is None:
        raise ActivityFailure(NOTHING, kind="Model.invalid", retryable=False)
    return str(found)


def _notes(ground: Ground) -> Sequence[Event]:
    texts = list(ground.skills.remarks())
    missing = unknown(ground.agent.spec.tools)
    if missing:
        texts.insert(0, f"The agent names tools that there are not: {', '.join(missing)}. It works without them.")
    return [_warning(each) for each in texts]


def _warning(text: str) -> Event:
    return Event(log_line=LogLine(level=LogLevel.LOG_LEVEL_WARNING, component="runner", text=text))
