"""Limits, compaction, the loop guard, long runs, sub-agents and what a session remembers."""

from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec, SubAgent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
    MESSAGE_AI,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits
from stigmer_runner.models.scripted import Conversation, Fault, FaultKind, Script, ScriptedCall, ScriptedUsage, Turn
from tests.loop.stage import Stage

LOOK = ScriptedCall("list", {"path": "."})


def limited(limits: Limits) -> AgentExecution:
    """An execution within limits."""
    return AgentExecution(
        spec=AgentExecutionSpec(agent_id="worker", message="Work.", options=RunOptions(limits=limits))
    )


async def test_a_limit_of_turns_is_told_before_it_stops_anything(stage: Stage) -> None:
    turns = [Turn(f"Step {n}.", calls=(ScriptedCall("list", {"path": ".", "depth": n + 1}),)) for n in range(8)]
    async with stage.playing(Script.of(*turns)):
        await stage.agent("worker")
        told = await stage.ended(await stage.start(limited(Limits(turns=5))))
        assert told.phase == EXECUTION_FAILED
        assert "5 calls of the model" in told.reason
        limits = [event.limit_neared for event in told.of("limit_neared")]
        assert [(each.limit, each.used, each.reached) for each in limits] == [("turns", 4, False), ("turns", 5, True)]


async def test_limits_of_tokens_and_time(stage: Stage) -> None:
    used = ScriptedUsage(input=600, output=10)
    script = Script.of(Turn("Step.", calls=(LOOK,), usage=used), Turn("Slow. ", repeat=3000, token_delay=0.05))
    async with stage.playing(script):
        await stage.agent("worker")
        told = await stage.ended(await stage.start(limited(Limits(tokens=500))))
        assert told.phase == EXECUTION_FAILED
        assert "500 tokens" in told.reason
        told = await stage.ended(await stage.start(limited(Limits(time=Duration(seconds=2)))))
        assert told.phase == EXECUTION_FAILED, told
        assert "2 seconds" in told.reason
        assert [event.limit_neared.reached for event in told.of("limit_neared")] == [False, True]


async def test_old_results_of_tools_are_left_out_first(stage: Stage) -> None:
    reads = [Turn(f"Part {n}.", calls=(ScriptedCall("read", {"path": f"{n}.txt"}),)) for n in range(5)]
    async with stage.playing(Script.of(*reads, Turn("Done."))):
        for number in range(5):
            (stage.directory / f"{number}.txt").write_text(f"line of file {number}\n" * 1900)
        await stage.agent("worker")
        told = await stage.ended((await stage.run("worker", "Work.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.text().endswith("Done.")
        compacted = [event.context_compacted for event in told.of("context_compacted")]
        assert compacted, told
        assert all(each.tokens_after < each.tokens_before for each in compacted)
        assert not any(each.summary for each in compacted)
        assert "left out to save room" in str(stage.provider.requests[-1].body)


async def test_a_past_that_is_still_too_long_is_summed_up(stage: Stage) -> None:
    long = [Turn("word ", repeat=6000, calls=(LOOK,)) for _ in range(8)]
    script = Script(
        (
            Conversation((Turn("The person wants work; four steps are done."),), when="You sum up a conversation"),
            Conversation((Turn("Done."),), when="summed up:"),
            Conversation(tuple(long)),
        )
    )
    async with stage.playing(script):
        await stage.agent("worker")
        told = await stage.ended((await stage.run("worker", "Work.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told.reason
        assert told.text().endswith("Done.")
        (compacted,) = [event.context_compacted for event in told.of("context_compacted")]
        assert compacted.tokens_after < compacted.tokens_before
        assert compacted.summary == "The person wants work; four steps are done."


async def test_an_overflow_is_mended_by_a_summary(stage: Stage) -> None:
    overflow = Fault(FaultKind.OVERFLOW, times=1)
    script = Script(
        (
            Conversation((Turn("Summed up."),), when="You sum up a conversation"),
            Conversation((Turn("Step one.", calls=(LOOK,)), Turn("Done.", fault=overflow))),
        )
    )
    async with stage.playing(script):
        await stage.agent("worker")
        told = await stage.ended((await stage.run("worker", "Work.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert [event.model_call_failed.code for event in told.of("model_call_failed")] == ["too_long"]
        assert told.of("context_compacted")[0].context_compacted.summary


async def test_a_model_that_goes_round_in_circles_is_told_and_then_the_person(stage: Stage) -> None:
    script = Script.of(*(Turn("Again.", calls=(LOOK,)) for _ in range(8)), Turn("Enough."))
    async with stage.playing(script):
        await stage.agent("worker")
        execution_id = (await stage.run("worker", "Work.")).metadata.id
        told = await stage.until(execution_id, lambda told: len(told.questions) == 1)
        assert "6 times in a row" in told.questions[0].text
        assert any("3 times in a row" in str(request.body) for request in stage.provider.requests)
        await stage.client.steering.answer(execution_id, "stop")
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_FAILED
        assert "circles" in told.reason


async def test_faults_of_a_provider_are_tried_again_and_told(stage: Stage) -> None:
    limited = Fault(FaultKind.STATUS, times=2, status=429, retry_after=0.05)
    script = Script.of(Turn("Half of it, and more.", fault=limited), Turn("Never."))
    async with stage.playing(script):
        await stage.agent("worker")
        told = await stage.ended((await stage.run("worker", "Work.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert [event.model_call_failed.code for event in told.of("model_call_failed")] == ["rate_limited"] * 2
        assert [event.model_call_started.attempt for event in told.of("model_call_started")] == [1, 2, 3]


async def test_a_sub_agent_works_in_a_context_of_its_own(stage: Stage) -> None:
    delegate = ScriptedCall("delegate", {"agent": "finder", "task": "Find the number."})
    script = Script(
        (
            Conversation(
                (
                    Turn("Looking.", calls=(LOOK, ScriptedCall("shell", {"command": "echo $((3+4))"}))),
                    Turn("It is 7.", expect="7"),
                ),
                when="You find things",
            ),
            Conversation((Turn("I ask.", calls=(delegate,)), Turn("Seven.", expect="It is 7"))),
        )
    )
    helper = SubAgent(name="finder", description="finds things", instructions="You find things in files.")
    async with stage.playing(script):
        await stage.agent("worker", AgentSpec(sub_agents=[helper]))
        execution_id = (await stage.run("worker", "How much?")).metadata.id
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        of_sub_agent = {event.WhichOneof("body") for event in told.events if event.sub_agent_id == "agent-1"}
        assert {"message_started", "text_delta", "tool_call_requested", "usage_reported"} <= of_sub_agent
        (finished,) = [event.sub_agent_finished for event in told.of("sub_agent_finished")]
        assert finished.output == "It is 7."
        status = (await stage.client.get_execution(execution_id)).status
        said = [message.content for message in status.messages if message.type == MESSAGE_AI]
        assert said == ["I ask.", "Seven."]
        assert status.sub_agent_executions[0].output == "It is 7."


async def test_a_sub_agent_asks_the_person_and_keeps_to_its_agents_limits(stage: Stage) -> None:
    delegate = ScriptedCall("delegate", {"agent": "finder", "task": "Find the number."})
    ask = ScriptedCall("ask_person", {"question": "Which file?"})
    script = Script(
        (
            Conversation(
                (Turn("", calls=(ask,)), *(Turn("", calls=(LOOK,)) for _ in range(9))), when="You find things"
            ),
            Conversation((Turn("I ask.", calls=(delegate,)), Turn("It did not work."))),
        )
    )
    helper = SubAgent(name="finder", description="finds things", instructions="You find things in files.")
    async with stage.playing(script):
        await stage.agent("worker", AgentSpec(sub_agents=[helper]))
        execution_id = await stage.start(limited(Limits(turns=4)))
        told = await stage.until(execution_id, lambda told: len(told.questions) == 1)
        assert told.questions[0].attention_id == "agent-1/question-1"
        await stage.client.steering.answer(execution_id, "a.txt")
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_FAILED, told
        (finished,) = [event.sub_agent_finished for event in told.of("sub_agent_finished")]
        assert "3 calls of the model" in finished.error


async def test_a_session_remembers(stage: Stage) -> None:
    script = Script.of(
        Turn("I will remember 42.", calls=(LOOK,)), Turn("Noted."), Turn("It was 42.", expect="Which number?")
    )
    async with stage.playing(script):
        (stage.directory / "there.txt").write_text("x")
        await stage.agent("worker")
        first = await stage.run("worker", "The number is 42.")
        await stage.ended(first.metadata.id)
        second = await stage.client.run("worker", "Which number?", session_id=first.spec.session_id)
        told = await stage.ended(second.metadata.id)
        assert told.text() == "It was 42.", told
        shown = str(stage.provider.requests[-1].body)
        assert "The number is 42." in shown
        assert "there.txt" in shown, "results of tools are remembered"


async def test_parallel_calls_run_beside_each_other_and_answer_in_order(stage: Stage) -> None:
    calls = tuple(ScriptedCall("read", {"path": f"{n}.txt"}) for n in range(6))
    script = Script.of(Turn("", calls=calls), Turn("Read."))
    async with stage.playing(script):
        for number in range(6):
            (stage.directory / f"{number}.txt").write_text(f"file {number}\n")
        await stage.agent("worker")
        told = await stage.ended((await stage.run("worker", "Read.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        shown = str(stage.provider.requests[-1].body)
        assert [shown.index(f"file {number}") for number in range(6)] == sorted(
            shown.index(f"file {number}") for number in range(6)
        )


async def test_hostile_output_of_a_model_ends_nothing(stage: Stage) -> None:
    deep = '{"path": ' + "[" * 2000 + "]" * 2000 + "}"
    calls = (
        ScriptedCall("list", '{"path": '),
        ScriptedCall("no_such_tool", {}),
        ScriptedCall("read", {"path": "../../../../etc/passwd"}),
        ScriptedCall("read", {"path": "a" * 300_000}),
        ScriptedCall("list", deep),
        ScriptedCall("list", '{"path": NaN}'),
        ScriptedCall("list", '{"path": 1e999, "x": 123456789012345678901234567890}'),
        ScriptedCall("read", {"path": "\u202e\x1b[31m\x00name"}),
    )
    script = Script.of(Turn("\x1b]0;title\x07\u202etext", calls=calls), Turn("Fine."))
    async with stage.playing(script):
        await stage.agent("worker")
        execution_id = (await stage.run("worker", "Work.")).metadata.id
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told.reason
        results = told.results()
        assert len(results) == len(calls)
        assert "root:" not in "".join(results.values())
        assert "no tool" in results["call-2"]
        await stage.client.get_execution(execution_id)
        assert stage.workstation.events(execution_id)
