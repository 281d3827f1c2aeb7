"""What persons want of an agent that works: decisions, answers, another direction."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.errors import FailedPrecondition
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_tui.records.parts import CallBegun
from stigmer_tui.records.reading import RecordReader
from stigmer_tui.transcript.blocks import Remark
from stigmer_tui.transcript.reading import Transcript
from tests.loop.stage import Stage


def write(path: str, content: str) -> ScriptedCall:
    """A call that writes a file."""
    return ScriptedCall("write", {"path": path, "content": content})


async def test_a_write_waits_for_a_person_and_is_for_a_single_use(stage: Stage) -> None:
    script = Script.of(
        Turn("I write.", calls=(write("a.txt", "one\n"),)),
        Turn("And again.", calls=(write("b.txt", "two\n"),)),
        Turn("Done.", expect="not like this"),
    )
    async with stage.playing(script):
        await stage.agent("writer", preset="ask")
        execution_id = (await stage.run("writer", "Write.")).metadata.id
        told = await stage.until(execution_id, lambda told: len(told.approvals) == 1)
        (asked,) = told.approvals
        assert "a.txt" in asked.summary
        waiting = (await stage.client.steering.list_attention()).waiting
        assert [each.approval.binding for each in waiting] == [asked.binding]
        with pytest.raises(FailedPrecondition, match="is not what the call"):
            await stage.client.steering.resolve_approval(
                execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=b"x" * 32
            )
        assert not (stage.directory / "a.txt").exists()
        await stage.client.steering.resolve_approval(
            execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=asked.binding
        )
        with pytest.raises(FailedPrecondition):
            await stage.client.steering.resolve_approval(
                execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=asked.binding
            )
        told = await stage.until(execution_id, lambda told: len(told.approvals) == 2)
        assert (stage.directory / "a.txt").read_text() == "one\n"
        second = told.approvals[1]
        await stage.client.steering.resolve_approval(
            execution_id, second.call_id, ev.APPROVAL_DENIED, binding=second.binding, reason="not like this"
        )
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert not (stage.directory / "b.txt").exists()
        resolved = [event.approval_resolved for event in told.of("approval_resolved")]
        assert [(each.call_id, each.approval) for each in resolved] == [
            (asked.call_id, ev.APPROVAL_ONCE),
            (second.call_id, ev.APPROVAL_DENIED),
        ]
        assert len(told.of("attention_cleared")) == 2
        with pytest.raises(FailedPrecondition):
            await stage.client.steering.pause(execution_id)


async def test_edited_arguments_are_what_runs(stage: Stage) -> None:
    told_so = "(The person changed the arguments of this call before it was made."
    script = Script.of(Turn("I write.", calls=(write("a.txt", "one\n"),)), Turn("Done.", expect=told_so))
    async with stage.playing(script):
        await stage.agent("writer", preset="ask")
        execution_id = (await stage.run("writer", "Write.")).metadata.id
        (asked,) = (await stage.until(execution_id, lambda told: len(told.approvals) == 1)).approvals
        await stage.client.steering.resolve_approval(
            execution_id,
            asked.call_id,
            ev.APPROVAL_ONCE,
            binding=asked.binding,
            edited_args={"path": "c.txt", "content": "mine\n"},
        )
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert (stage.directory / "c.txt").read_text() == "mine\n"
        assert not (stage.directory / "a.txt").exists()
        (call,) = (await stage.client.get_execution(execution_id)).status.tool_calls
        assert call.args.fields["path"].string_value == "c.txt"
        reader = RecordReader()
        parts = [part for event in told.events for part in reader.take(event)]
        assert [part.summary for part in parts if isinstance(part, CallBegun)] == ["c.txt"], "pages show what ran"


async def test_a_question_is_answered_once(stage: Stage) -> None:
    ask = ScriptedCall("ask_person", {"question": "Which colour?", "options": ["red", "blue"]})
    script = Script.of(Turn("", calls=(ask,)), Turn("Blue it is.", expect="blue"))
    async with stage.playing(script):
        await stage.agent("asker")
        execution_id = (await stage.run("asker", "Paint.")).metadata.id
        (asked,) = (await stage.until(execution_id, lambda told: len(told.questions) == 1)).questions
        assert list(asked.options) == ["red", "blue"]
        await stage.client.steering.answer(execution_id, "blue")
        told = await stage.ended(execution_id)
        assert told.text() == "Blue it is.", told
        assert told.results()["call-1"] == "blue"


async def test_an_interrupt_stops_the_answer_and_the_next_message_goes_on(stage: Stage) -> None:
    script = Script.of(Turn("word ", repeat=2000, token_delay=0.02), Turn("Something else.", expect="stop that"))
    async with stage.playing(script):
        await stage.agent("talker")
        execution_id = (await stage.run("talker", "Talk.")).metadata.id
        await stage.until(execution_id, lambda told: len(told.text()) > 20)
        await stage.client.steering.interrupt(execution_id)
        await stage.until(execution_id, lambda told: len(told.questions) == 1)
        await stage.client.send_message(execution_id, "stop that")
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.text().endswith("Something else.")
        cut = [event.message_completed for event in told.of("message_completed") if event.message_completed.interrupted]
        assert [each.interrupted for each in cut] == ["interrupted"]


async def test_a_message_now_interrupts_and_a_queued_one_waits(stage: Stage) -> None:
    script = Script.of(
        Turn("word ", repeat=2000, token_delay=0.02), Turn("First.", expect="at once"), Turn("Second.", expect="later")
    )
    async with stage.playing(script):
        await stage.agent("talker")
        execution_id = (await stage.run("talker", "Talk.")).metadata.id
        await stage.until(execution_id, lambda told: len(told.text()) > 20)
        await stage.client.send_message(execution_id, "at once", now=True)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert told.text().endswith("First.")


async def test_a_paused_agent_takes_no_further_step(stage: Stage) -> None:
    script = Script.of(
        Turn("One.", calls=(ScriptedCall("list", {"path": "."}),), delay=0.5), Turn("Two.", calls=()), Turn("Three.")
    )
    async with stage.playing(script):
        await stage.agent("talker")
        execution_id = (await stage.run("talker", "Talk.")).metadata.id
        await stage.client.steering.pause(execution_id)
        told = await stage.until(execution_id, lambda told: bool(told.of("command_applied")))
        assert not told.of("phase_changed")[-1].phase_changed.reason
        await stage.client.steering.resume(execution_id)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told


async def test_another_model_answers_from_the_next_call_on(stage: Stage) -> None:
    look = ScriptedCall("list", {"path": "."})
    script = Script.of(Turn("One.", calls=(look,), delay=0.5), Turn("Two."), Turn("Three."), Turn("Four."))
    async with stage.playing(script):
        await stage.agent("talker")
        first = await stage.run("talker", "Talk.")
        execution_id = first.metadata.id
        await stage.client.steering.change_model(execution_id, "ollama/another")
        told = await stage.ended(execution_id)
        started = [event.model_call_started.model for event in told.of("model_call_started")]
        assert started[-1] == "another", told
        assert told.of("model_changed")
        assert not await stage.client.steering.change_model(execution_id, "ollama/fourth"), (
            "it is over: for later runs alone"
        )
        for model, wanted in (("", "fourth"), ("ollama/third", "third"), ("", "fourth")):
            later = await stage.client.run("talker", "More.", session_id=first.spec.session_id, model=model)
            told = await stage.ended(later.metadata.id)
            (asked,) = [event.model_call_started.model for event in told.of("model_call_started")]
            assert asked == wanted, "the session keeps its model; a message may have its own"


async def test_a_shell_is_not_steered_like_an_agent(stage: Stage) -> None:
    async with stage.playing(Script.of(Turn("No."))):
        execution_id = (await stage.client.run("shell", "sleep 30")).metadata.id
        await stage.until(execution_id, lambda told: bool(told.of("tool_call_started")))
        with pytest.raises(FailedPrecondition, match="does not know"):
            await stage.client.steering.pause(execution_id)
        await stage.client.cancel(execution_id)
        await stage.ended(execution_id)
        with pytest.raises(FailedPrecondition, match="no model of Stigmer's"):
            await stage.client.steering.change_model(execution_id, "ollama/another")


async def test_a_branch_goes_another_way_from_a_message_on(stage: Stage) -> None:
    script = Script.of(Turn("It is 41."), Turn("It is 42.", expect="sure"))
    async with stage.playing(script):
        await stage.agent("counter")
        first = await stage.client.run("counter", "How much?")
        await stage.ended(first.metadata.id)
        made = await stage.client.steering.branch(first.metadata.id, text="Are you sure?")
        told = await stage.ended(made.execution_id)
        assert told.text() == "It is 42.", told
        assert made.session_id != first.spec.session_id
        shown = str(stage.provider.requests[-1].body)
        assert "How much?" in shown
        assert "It is 41." in shown
        past = told.of("execution_created")[0].execution_created.shared_past
        assert (past.session_id, past.execution_id) == (first.spec.session_id, first.metadata.id)
        assert [each.text for each in past.messages] == ["How much?", "It is 41."]
        reading = Transcript()
        reading.apply(told.events)
        (remark,) = [block for block in reading.blocks if isinstance(block, Remark) and block.lines]
        assert remark.text.splitlines()[1:] == ["› How much?", "  It is 41."], remark
        again = await stage.client.steering.branch(first.metadata.id)
        told = await stage.ended(again.execution_id)
        assert told.text() == "It is 41.", "the last message is asked again"


async def test_an_agent_without_a_key_says_how_to_give_one(stage: Stage) -> None:
    async with stage.playing(Script.of(Turn("No."))):
        await stage.agent("keyless", AgentSpec(model="anthropic/claude-x"))
        execution_id = (await stage.client.run("keyless", "Hello.")).metadata.id
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_FAILED
        assert "ANTHROPIC_API_KEY" in told.reason
        assert "stigmer secrets" in told.reason


async def test_a_message_that_waits_is_taken_back_and_one_that_began_is_not(stage: Stage) -> None:
    script = Script.of(
        Turn("", calls=(ScriptedCall("ask_person", {"question": "Go on?"}),)),
        Turn("Well."),
        Turn("Third.", expect="third"),
    )
    async with stage.playing(script):
        await stage.agent("patient")
        execution_id = (await stage.run("patient", "First.")).metadata.id
        await stage.until(execution_id, lambda told: len(told.questions) == 1)
        second = (await stage.client.send_message(execution_id, "second")).command_id
        third = (await stage.client.send_message(execution_id, "third")).command_id
        await stage.client.steering.withdraw_message(execution_id, second)
        with pytest.raises(FailedPrecondition, match="its turn has come"):
            await stage.client.steering.withdraw_message(execution_id, second)
        await stage.client.steering.answer(execution_id, "yes")
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        brought = [event.message_started.command_id for event in told.of("message_started")]
        assert third in brought
        assert second not in brought


async def test_a_line_that_waits_is_taken_back(stage: Stage) -> None:
    execution_id = (await stage.run("shell", "until [ -e go ]; do sleep 0.05; done")).metadata.id
    await stage.until(execution_id, lambda told: bool(told.of("tool_call_started")))
    sent = [(await stage.client.send_message(execution_id, line)).command_id for line in ("touch a", "touch b", "ls")]
    await stage.client.steering.withdraw_message(execution_id, sent[0])
    (stage.directory / "go").touch()
    told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert [event.message_started.command_id for event in told.of("message_started")][1:] == sent[1:]


async def test_the_files_of_a_turn_are_put_back(stage: Stage) -> None:
    script = Script.of(
        Turn("I write.", calls=(write("a.txt", "changed\n"),)),
        Turn("", calls=(ScriptedCall("ask_person", {"question": "Good?"}),)),
        Turn("Well."),
    )
    async with stage.playing(script):
        await stage.agent("writer")
        execution_id = (await stage.run("writer", "Write.")).metadata.id
        await stage.until(execution_id, lambda told: len(told.questions) == 1)
        assert (stage.directory / "a.txt").read_text() == "changed\n"
        await stage.client.steering.undo_turn(execution_id)
        told = await stage.until(execution_id, lambda told: bool(told.of("turn_undone")))
        (undone,) = [event.turn_undone for event in told.of("turn_undone")]
        assert (undone.message_id, list(undone.paths)) == ("message-1", ["a.txt"])
        assert not (stage.directory / "a.txt").exists()
        await stage.client.steering.answer(execution_id, "no")
        assert (await stage.ended(execution_id)).phase == EXECUTION_COMPLETED


async def test_the_files_of_a_turn_are_put_back_after_the_end_too(stage: Stage) -> None:
    read_a = ScriptedCall("read", {"path": "a.txt"})
    script = Script.of(
        Turn("", calls=(write("a.txt", "first\n"),)),
        Turn("Done."),
        Turn("", calls=(read_a, write("a.txt", "second\n"), write("b.txt", "second\n"))),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("writer")
        first = await stage.run("writer", "Write.")
        await stage.ended(first.metadata.id)
        second = await stage.client.run("writer", "Again.", session_id=first.spec.session_id)
        await stage.ended(second.metadata.id)
        assert (stage.directory / "a.txt").read_text() == "second\n"
        (stage.directory / "b.txt").write_text("mine\n")
        undone = await stage.client.steering.undo_turn(second.metadata.id)
        assert (list(undone.paths), list(undone.left)) == (["a.txt"], ["b.txt"])
        assert (stage.directory / "a.txt").read_text() == "first\n", "the turn of the first run is another one"
        said = stage.workstation.run("undo", first.metadata.id).stdout.decode()
        assert "a.txt is as before" in said
        assert not (stage.directory / "a.txt").exists()
        with pytest.raises(FailedPrecondition, match="no tool has changed a file in the turn of message-9"):
            await stage.client.steering.undo_turn(first.metadata.id, "message-9")


async def test_approvals_for_the_session_and_for_a_prefix_are_not_asked_for_again(stage: Stage) -> None:
    def run(line: str) -> ScriptedCall:
        return ScriptedCall("shell", {"command": line})

    script = Script.of(
        Turn("", calls=(run("echo one two"),)),
        Turn("", calls=(run("echo one two"),)),
        Turn("", calls=(run("ls -l"),)),
        Turn("", calls=(run("ls -a"),)),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("runner", preset="ask")
        execution_id = (await stage.run("runner", "Run.")).metadata.id
        first = (await stage.until(execution_id, lambda told: len(told.approvals) == 1)).approvals[0]
        await stage.client.steering.resolve_approval(
            execution_id, first.call_id, ev.APPROVAL_SESSION, binding=first.binding
        )
        told = await stage.until(execution_id, lambda told: len(told.approvals) == 2)
        assert told.approvals[1].call_id == "call-3", "the second one was the same"
        second = told.approvals[1]
        assert list(second.prefix)[:1] == ["ls"]
        await stage.client.steering.resolve_approval(
            execution_id, second.call_id, ev.APPROVAL_PREFIX, binding=second.binding
        )
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        begun = [event.tool_call_started.call_id for event in told.of("tool_call_started")]
        assert len(begun) == len(set(begun)), (
            "what was approved is what runs, at once: its own prefix changes nothing of it"
        )
        assert len(told.approvals) in (2, 3)
