"""`run: shell`, `script` and `container`: what they are given, what they give, and what becomes of them."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.durable.workflow_messages import TaskCall, secret_marker
from stigmer_runner.engine.activities import Unfinished
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.sandbox import Sandbox, SandboxKind, choose_sandbox
from stigmer_runner.tools.execute.engine import Engine
from stigmer_runner.workflow.containers import Containers
from stigmer_runner.workflow.processes import ProcessPlace, RunProcess
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.resources import Resources
from stigmer_runner.workflow.secrets import Secrets
from tests.sandbox.ground import Ground
from tests.support.containers import require_podman
from tests.support.require import missing
from tests.support.waiting import eventually
from tests.workflow_work.bench import Bench, Wrong

KEY = "s3cret-key-of-mine"


class Processes:
    """A run's processes."""

    def __init__(self, place: ProcessPlace, containers: Containers | None = None) -> None:
        self.place = place
        self.made = 0
        self.bench = Bench(Secrets({"KEY": KEY}, {"KEY": KEY}))
        self.questions = LiveQuestions(lambda: 7)
        reach = Reach(place.policy, "{}")
        resources = Resources(reach, Proofs(reach, self.bench.secrets), place.workspace, ())
        self.work = RunProcess(
            self._place, self.bench.secrets, resources, self.questions, (containers or Containers()).run
        )

    async def _place(self) -> ProcessPlace:
        self.made += 1
        return self.place

    async def shell(self, command: str, **more: object) -> object:
        return await self.bench.do(self.work, {"kind": "shell", "command": command, **more})

    async def fails(self, command: str, **more: object) -> Wrong:
        return await self.bench.wrong(self.work, {"kind": "shell", "command": command, **more})

    async def script(self, language: str, code: str, **more: object) -> object:
        return await self.bench.do(self.work, {"kind": "script", "language": language, "code": code, **more})

    @property
    def told(self) -> Sequence[ev.Event]:
        return self.bench.call.told

    @property
    def screen(self) -> bytes:
        return b"".join(each.terminal_output.data for each in self.told)

    @property
    def end(self) -> ev.ToolCallFinished:
        return self.told[-1].tool_call_finished


def processes(ground: Ground, sandbox: Sandbox, policy: Policy | None = None) -> Processes:
    return Processes(
        ProcessPlace("wex-1", ground.workspace(), sandbox, "home:", {"GIVEN": "yes"}, None, policy or Policy())
    )


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest_asyncio.fixture(params=[SandboxKind.BUBBLEWRAP, SandboxKind.NONE], ids=lambda kind: kind.value)
async def run(request: pytest.FixtureRequest, ground: Ground) -> AsyncIterator[Processes]:
    if request.param is SandboxKind.BUBBLEWRAP and shutil.which("bwrap") is None:
        missing("bubblewrap is not installed")
    sandbox = await choose_sandbox(ground.layout(), request.param)
    found = processes(ground, sandbox)
    yield found
    await found.work.close()
    await sandbox.close()


async def test_a_command_gives_what_it_is_asked_for(run: Processes) -> None:
    assert await run.shell("echo hello; echo aside >&2") == "hello"
    assert run.screen.count(b"\r\n") == 2
    assert run.end.exit_code == 0
    assert [each.WhichOneof("body") for each in run.told][:2] == ["tool_call_requested", "tool_call_started"]
    assert await run.shell("echo hello; echo aside >&2", **{"return": "stderr"}) == "aside"
    assert await run.shell("exit 3", **{"return": "code"}) == 3
    assert await run.shell("echo x; exit 3", **{"return": "all"}) == {"code": 3, "stdout": "x\n", "stderr": ""}
    assert await run.shell("echo x", **{"return": "none"}) is None
    assert await run.shell("""echo '{"a": [1]}'""") == {"a": [1]}
    assert await run.shell("cat", stdin={"a": 1}) == {"a": 1}
    assert await run.shell("printf '%s|'", arguments=["a b", "$HOME", 3]) == "a b|$HOME|3|"
    assert await run.shell("printf '%s|'", arguments={"--name": "x y", "--dry": None}) == "--name=x y|--dry|"
    assert await run.shell('echo "$GIVEN $MINE"', environment={"MINE": 7, "NOT": None}) == "yes 7"
    wrong = await run.fails("echo so; echo broken >&2; exit 4")
    assert (wrong.kind, wrong.status) == ("runtime", 500)
    assert "4" in str(wrong.error["title"])
    assert wrong.error["detail"] == "broken"
    assert run.end.exit_code == 4


async def test_what_cannot_be_run_is_a_clear_error(run: Processes) -> None:
    for arguments in (
        {"command": ""},
        {"command": "echo", "return": "nothing"},
        {"command": "echo", "environment": {"a-b": 1}},
        {"command": "echo", "arguments": "text"},
    ):
        wrong = await run.bench.wrong(run.work, {"kind": "shell", **arguments})
        assert wrong.kind == "configuration"
        assert run.end.outcome == ev.TOOL_OUTCOME_NOT_STARTED
    assert run.made == 0
    wrong = await run.bench.wrong(run.work, {"kind": "script", "language": "cobol", "code": "x"})
    assert "python" in str(wrong)


async def test_scripts(run: Processes) -> None:
    assert await run.script("python", "import sys; print(sys.argv[1:])", arguments=["a", "-b"]) == "['a', '-b']"
    assert (
        await run.script("python", "print(greeting, len(items))", arguments={"greeting": "hi", "items": [1]}) == "hi 1"
    )
    assert await run.script("bash", 'echo "$1"', arguments=["it's"]) == "it's"
    (run.place.workspace / "there.py").write_text("print(6 * 7)")
    source = {"endpoint": {"uri": "there.py"}}
    assert await run.bench.do(run.work, {"kind": "script", "language": "python", "source": source}) == "42"
    for uri in ("file:///etc/passwd", "../x.py", "https//x"):
        source = {"endpoint": {"uri": uri}}
        wrong = await run.bench.wrong(run.work, {"kind": "script", "language": "python", "source": source})
        assert wrong.kind == "configuration"
    if shutil.which("node") is not None:
        assert await run.script("js", "console.log(greeting)", arguments={"greeting": "hi"}) == "hi"
        assert await run.script("js", "console.log(process.argv.slice(1).join())", arguments=["-a", "b"]) == "-a,b"


async def test_secrets_are_given_and_shown_nowhere(run: Processes) -> None:
    marker = secret_marker("KEY")
    output = await run.shell('echo "$K"; echo "$K" | base64; echo "$1"', environment={"K": marker})
    assert KEY not in str(output)
    assert "[secret KEY]" in str(output)
    assert KEY.encode() not in run.screen
    wrong = await run.fails(f"echo {marker} >&2; exit 1")
    assert KEY not in str(wrong)
    assert all(KEY not in str(each) for each in run.told)
    assert str(run.told[0].tool_call_requested.args["command"]).startswith("echo [secret KEY]")


async def test_a_cancelled_task_ends_its_process(run: Processes) -> None:
    file = run.place.workspace / "alive"
    task = asyncio.create_task(run.shell(f"while :; do date > {file}; sleep 0.05; done"))
    await eventually(file.exists)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert run.end.outcome == ev.TOOL_OUTCOME_CANCELLED
    file.unlink()
    await asyncio.sleep(0.3)
    assert not file.exists()


async def test_what_is_not_waited_for_goes_on_until_the_run_is_over(run: Processes) -> None:
    file = run.place.workspace / "alive"
    assert await run.shell(f"sleep 0.2; touch {file}; sleep 60", **{"await": False}) is None
    await eventually(file.exists)
    await run.work.close()
    assert run.end.outcome == ev.TOOL_OUTCOME_CANCELLED


async def test_output_without_end_is_neither_kept_nor_shown_whole(run: Processes) -> None:
    wrong = await run.fails("head -c 20000000 /dev/zero | tr '\\0' x")
    assert "longer than is kept" in str(wrong)
    assert len(run.screen) < 5_000_000
    assert b"not shown" in run.screen


async def test_the_policy_of_the_run_counts(run: Processes, ground: Ground) -> None:
    sandbox = run.place.sandbox
    denied = processes(
        ground,
        sandbox,
        Policy(rules=[Policy.Rule(command_prefix=["rm"], decision=Policy.DECISION_DENY)], preset="auto"),
    )
    assert (await denied.fails("rm x")).kind == "authorization"
    assert denied.end.outcome == ev.TOOL_OUTCOME_NOT_STARTED
    read_only = processes(ground, sandbox, Policy(preset="read-only"))
    assert (await read_only.fails("echo x")).kind == "authorization"
    for answer in ("deny", "allow"):
        asking = processes(ground, sandbox, Policy(preset="ask"))
        task = asyncio.create_task(asking.bench.do(asking.work, {"kind": "shell", "command": "echo x"}))
        assert asking.questions.answered(await _asked(asking), answer)
        if answer == "allow":
            assert await task == "x"
        else:
            with pytest.raises(Wrong):
                await task


async def _asked(run: Processes) -> str:
    """The attention of the question that is asked."""
    await eventually(lambda: any(each.HasField("question_asked") for each in run.told))
    return next(each.question_asked.attention_id for each in run.told if each.HasField("question_asked"))


async def test_a_process_of_a_dead_runner_is_told_of(run: Processes) -> None:
    task = TaskCall("wex-1", "/do/0/a#1", "a", "/do/0/a", "k", json.dumps({"kind": "shell", "command": "x"}), attempt=2)
    [event] = run.work.unfinished(task, Unfinished.UNKNOWN)
    assert event.tool_call_finished.outcome == ev.TOOL_OUTCOME_UNKNOWN
    assert event.tool_call_finished.call_id == "/do/0/a#1~2"


async def test_containers(ground: Ground) -> None:
    engine, tree = await require_podman(ground.base, dict(os.environ))

    async def find() -> Engine:
        return engine

    async with contextlib.AsyncExitStack() as stack:
        sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
        stack.push_async_callback(sandbox.close)
        place = ProcessPlace("wex-1", ground.workspace(), sandbox, "home:", {"PATH_OF": "x"}, None, Policy())
        run = Processes(place, Containers(find, (Path("/usr"),)))

        async def container(**arguments: object) -> object:
            return await run.bench.do(run.work, {"kind": "container", "image": str(tree), **arguments})

        given = {"A": secret_marker("KEY"), "PATH": "/usr/bin"}
        assert (
            await container(command='echo "$A $PATH"; cat', environment=given, stdin="in")
            == "[secret KEY] /usr/bin\nin"
        )
        assert await container(arguments=["echo", "a b"]) == "a b"
        for arguments, kind in (
            ({"command": "exit 3"}, "runtime"),
            ({"command": "x", "ports": {"80": 80}}, "configuration"),
        ):
            wrong = await run.bench.wrong(run.work, {"kind": "container", "image": str(tree), **arguments})
            assert wrong.kind == kind
        nothing = {"kind": "container", "image": "localhost/there-is-none", "pullPolicy": "never", "command": "x"}
        wrong = await run.bench.wrong(run.work, nothing)
        assert wrong.kind == "configuration"
        assert run.end.outcome == ev.TOOL_OUTCOME_NOT_STARTED
