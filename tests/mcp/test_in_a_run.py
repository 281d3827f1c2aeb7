"""MCP servers in whole runs: daemon, runner, scripted model, real server programs, a person who answers."""

import asyncio

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import (
    AgentSpec,
    McpServerDefinition,
    McpToolSelection,
    StdioServer,
    SubAgent,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
)
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import EnvironmentSpec, EnvironmentValue
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_pb2 import (
    McpServer,
    McpServerSpec,
    StdioServerConfig,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.protocol import API_VERSION
from stigmer_runner.models.scripted import Conversation, Script, ScriptedCall, Turn
from tests.canary.planting import new_secrets
from tests.canary.search import Search
from tests.canary.sinks import Watch, tree
from tests.chaos.daemon import runner_pids
from tests.loop.stage import Stage
from tests.mcp.stand import LIAR
from tests.support.waiting import eventually


def server(kind: str = "honest", name: str = "helper") -> McpServerDefinition:
    """A server of ours, as an agent defines it."""
    return McpServerDefinition(
        name=name, stdio=StdioServer(command="python3", args=["-I", "-c", LIAR.read_text(), kind])
    )


async def test_a_call_of_an_approved_server(stage: Stage) -> None:
    script = Script.of(
        Turn("Asking.", calls=(ScriptedCall("mcp__helper__echo", {"text": "good evening"}),)),
        Turn("It said it.", expect="good evening"),
    )
    async with stage.playing(script):
        await stage.agent("caller", AgentSpec(mcp_servers=[server()]))
        execution = await stage.run("caller", "Let the helper say good evening.")
        told = await stage.until(execution.metadata.id, lambda told: bool(told.questions))
        question = told.questions[0]
        assert "helper" in question.text
        assert "python3" in question.text
        assert list(question.options) == ["this session", "always", "no"]
        await stage.client.steering.answer(execution.metadata.id, "always", question.attention_id)
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.results()["call-1"] == "good evening"
        assert [each.attention_cleared.attention_id for each in told.of("attention_cleared")] == [question.attention_id]
    async with stage.playing(script):
        execution = await stage.run("caller", "Once more.")
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.questions == []
        assert told.results()["call-1"] == "good evening"


async def test_a_server_that_is_not_approved(stage: Stage) -> None:
    """The session goes on without it, and its tools are not there."""
    script = Script.of(
        Turn("Asking.", calls=(ScriptedCall("mcp__refused__echo", {"text": "hello"}),)),
        Turn("Then not.", expect="There is no tool"),
    )
    async with stage.playing(script):
        await stage.agent("refused", AgentSpec(mcp_servers=[server(name="refused")]))
        execution = await stage.run("refused", "Try.")
        told = await stage.until(execution.metadata.id, lambda told: bool(told.questions))
        await stage.client.steering.answer(execution.metadata.id, "no", told.questions[0].attention_id)
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        lines = [event.log_line.text for event in told.of("log_line")]
        assert lines == ["The MCP server refused is not used: you did not approve it"]


async def test_policies_know_servers_and_tools(stage: Stage) -> None:
    deny = Policy(preset="auto", rules=[Policy.Rule(decision=Policy.DECISION_DENY, tool="mcp:guarded/*")])
    script = Script.of(
        Turn("Asking.", calls=(ScriptedCall("mcp__guarded__echo", {"text": "hello"}),)),
        Turn("Denied.", expect="mcp:guarded/"),
    )
    async with stage.playing(script):
        await stage.agent("guarded", AgentSpec(mcp_servers=[server(name="guarded")], policy=deny))
        execution = await stage.run("guarded", "Try.")
        told = await stage.until(execution.metadata.id, lambda told: bool(told.questions))
        await stage.client.steering.answer(execution.metadata.id, "this session", told.questions[0].attention_id)
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert "not made" in told.results()["call-1"] or "rule 1" in told.results()["call-1"]


async def test_under_the_preset_ask_each_call_is_asked_about(stage: Stage) -> None:
    script = Script.of(
        Turn("Asking.", calls=(ScriptedCall("mcp__asked__echo", {"text": "hello"}),)), Turn("Done.", expect="hello")
    )
    async with stage.playing(script):
        await stage.agent("asked", AgentSpec(mcp_servers=[server(name="asked")]), preset="ask")
        execution = await stage.run("asked", "Try.")
        told = await stage.until(execution.metadata.id, lambda told: bool(told.questions))
        await stage.client.steering.answer(execution.metadata.id, "this session", told.questions[0].attention_id)
        told = await stage.until(execution.metadata.id, lambda told: bool(told.approvals))
        assert told.approvals[0].summary.startswith("mcp:asked/echo {")


async def test_a_server_asks_the_person(stage: Stage) -> None:
    script = Script.of(
        Turn("Asking.", calls=(ScriptedCall("mcp__curious__echo", {"text": "hello"}),)), Turn("Done.", expect="blue")
    )
    async with stage.playing(script):
        await stage.agent("curious", AgentSpec(mcp_servers=[server("asks", "curious")]))
        execution_id = (await stage.run("curious", "Try.")).metadata.id
        answers = ("this session", "green", "blue")
        for number, answer in enumerate(answers, 1):
            told = await stage.until(execution_id, lambda told, least=number: len(told.questions) >= least)
            await stage.client.steering.answer(execution_id, answer, told.questions[-1].attention_id)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.results()["call-1"] == "accept blue"
        asked = told.questions[1]
        assert asked.call_id == "call-1"
        assert asked.text.startswith("The MCP server curious asks: Which colour?")
        assert list(asked.options) == ["red", "blue", "decline"]
        assert "'green' is not one that it takes" in told.questions[2].text


async def test_a_question_is_withdrawn_with_its_run(stage: Stage) -> None:
    script = Script.of(Turn("Asking.", calls=(ScriptedCall("mcp__curious__echo", {"text": "hello"}),)))
    async with stage.playing(script):
        await stage.agent("curious", AgentSpec(mcp_servers=[server("asks", "curious")]))
        execution_id = (await stage.run("curious", "Try.")).metadata.id
        told = await stage.until(execution_id, lambda told: bool(told.questions))
        await stage.client.cancel(execution_id)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_CANCELLED, told
        assert len(told.of("attention_cleared")) == len(told.questions)


async def test_a_runner_that_dies_in_a_call(stage: Stage) -> None:
    """The server dies with it; what became of the call is asked; the next runner starts the server and asks for no approval."""
    again = ScriptedCall("mcp__slow__echo", {"text": "hello"})
    script = Script.of(Turn("Asking.", calls=(again,)), Turn("Done.", expect="hello"))
    async with stage.playing(script):
        await stage.agent("slow", AgentSpec(mcp_servers=[server("hangs once", "slow")]))
        execution_id = (await stage.run("slow", "Try.")).metadata.id
        told = await stage.until(execution_id, lambda told: bool(told.questions))
        await stage.client.steering.answer(execution_id, "this session", told.questions[0].attention_id)
        await eventually(lambda: (stage.directory / "hung").exists())
        for pid in runner_pids(stage.workstation):
            await asyncio.to_thread(stage.workstation.kill, pid)
        told = await stage.until(execution_id, lambda told: len(told.questions) == 2)
        assert "nobody knows how far it came" in told.questions[1].text
        await stage.client.steering.answer(execution_id, "retry", told.questions[1].attention_id)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert "hello" in told.results().values()
        assert len(told.questions) == 2


async def test_a_sub_agent_has_only_what_it_chooses(stage: Stage) -> None:
    helper = SubAgent(name="clerk", instructions="Answer what is asked.", mcp_servers=["second"])
    helper.mcp_tool_selections["second"].CopyFrom(McpToolSelection(enabled_tools=["echo"]))
    delegate = ScriptedCall("delegate", {"agent": "clerk", "task": "Say hello by the helper."})
    calls = (ScriptedCall("mcp__first__echo", {"text": "one"}), ScriptedCall("mcp__second__echo", {"text": "two"}))
    script = Script(
        (
            Conversation((Turn("Trying.", calls=calls), Turn("The second did.")), when="Answer what is asked"),
            Conversation((Turn("Delegating.", calls=(delegate,)), Turn("Done."))),
        )
    )
    async with stage.playing(script):
        spec = AgentSpec(mcp_servers=[server(name="first"), server(name="second")], sub_agents=[helper])
        await stage.agent("chief", spec)
        execution = await stage.run("chief", "Delegate.")
        for number in (1, 2):
            told = await stage.until(execution.metadata.id, lambda told, least=number: len(told.questions) >= least)
            await stage.client.steering.answer(execution.metadata.id, "this session", told.questions[-1].attention_id)
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        results = told.results()
        assert "There is no tool" in results["agent-1/call-1"], told
        assert results["agent-1/call-2"] == "two"


def resource(name: str, secret: str) -> Resource:
    """A server of ours with a secret of its own, as a resource."""
    stdio = StdioServerConfig(command="python3", args=["-I", "-c", LIAR.read_text(), "tells"])
    env = EnvironmentSpec(data={"GIVEN": EnvironmentValue(value=secret, is_secret=True)})
    made = McpServer(
        api_version=API_VERSION,
        kind="McpServer",
        metadata=ApiResourceMetadata(name=name, owner_scope=ApiResourceOwnerScope.organization),
        spec=McpServerSpec(description="Tells what it was given.", stdio=stdio, env_spec=env),
    )
    return Resource(mcp_server=made)


async def test_a_secret_of_a_servers_own_resource_reaches_that_server_alone(stage: Stage) -> None:
    secrets = new_secrets("FIRST", "SECOND")
    search = Search(secrets)
    script = Script.of(
        Turn(
            "Asking all.",
            calls=(
                ScriptedCall("mcp__first__echo", {"text": ""}),
                ScriptedCall("mcp__second__echo", {"text": ""}),
                ScriptedCall("mcp__other__echo", {"text": ""}),
                ScriptedCall("shell", {"command": "env | grep -c GIVEN; echo looked"}),
            ),
        ),
        Turn("Each had its own.", expect="looked"),
    )
    with Watch(search) as watch:
        await stage.client.resources.apply([resource("first", secrets["FIRST"]), resource("second", secrets["SECOND"])])
        references = [ApiResourceReference(slug=name) for name in ("first", "second")]
        spec = AgentSpec(mcp_servers=[server("tells", "other")], mcp_server_refs=references)
        async with stage.playing(script):
            await stage.agent("trusted", spec)
            execution_id = (await stage.run("trusted", "Ask them.")).metadata.id
            for number in range(1, 4):
                told = await stage.until(execution_id, lambda told, least=number: len(told.questions) >= least)
                question = told.questions[-1]
                has_own = "MCP server other," not in question.text
                assert ("variable GIVEN, from its own secret GIVEN" in question.text) == has_own
                await stage.client.steering.answer(execution_id, "this session", question.attention_id)
            told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        results = told.results()
        assert results["call-1"].startswith("[secret GIVEN of mcp")
        assert results["call-2"].startswith("[secret GIVEN of mcp")
        assert results["call-1"] != results["call-2"]
        assert results["call-3"] == " nothing"
        printed = b"".join(event.terminal_output.data for event in told.of("terminal_output"))
        assert printed.split() == [b"0", b"looked"]
        assert list(search.look("the events", str(told).encode())) == []
    assert [*watch.hits, *search.look_at_all(tree(stage.workstation.home.parent))] == []
