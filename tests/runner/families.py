"""Workflows with updates, children and continuations that the engine's tests run."""

import asyncio
from datetime import timedelta

from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, ChildWorkflowError, workflow
from tests.runner.workflows import SOON


@workflow.defn(name="tests/questions")
class AsksQuestions:
    """Waits for two answers, each of which is checked."""

    def __init__(self) -> None:
        self._open = ""
        self._answers: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        """Run."""
        for name in ("first", "second"):
            await workflow.execute_activity("step", len(self._answers), result_type=int, start_to_close_timeout=SOON)
            self._open = name
            await workflow.wait_condition(lambda: self._open == "")
        return self._answers

    @workflow.update
    async def answer(self, name: str, text: str) -> int:
        """An answer; how many there are."""
        if text == "slow":
            await workflow.sleep(0.01)
        if text == "bad":
            raise ApplicationError("that breaks it")
        self._answers.append(f"{name} {text}")
        self._open = ""
        return len(self._answers)

    @answer.validator
    def check_answer(self, name: str, text: str) -> None:
        """Only what is asked is answered."""
        if name != self._open:
            raise ValueError(f"nobody asked {name!r}")


@workflow.defn(name="tests/child")
class Child:
    """Does steps and an effect, waits for a word where it is told to, fails where it is told to."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        """A word."""
        self._words.append(word)

    @workflow.run
    async def run(self, number: int, how: str) -> str:
        """Run."""
        if how == "fail":
            raise ApplicationError(f"child {number} fails", type="ChildBroke")
        if how == "grandchild":
            inner = await workflow.execute_child_workflow("tests/child", args=[number + 100, ""], id=f"inner-{number}")
            return f"{number} over {inner}"
        if how == "wait":
            await workflow.wait_condition(lambda: bool(self._words))
        if how == "endless":
            await workflow.execute_activity(
                "endless",
                60.0,
                start_to_close_timeout=SOON,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
        step = await workflow.execute_activity("step", number, result_type=int, start_to_close_timeout=SOON)
        return f"{step} {workflow.random().randint(0, 10**6)} {' '.join(self._words)}".strip()


@workflow.defn(name="tests/parent")
class Parent:
    """Children beside one another, one that is spoken to, one that fails, one with a child of its own."""

    @workflow.run
    async def run(self) -> list[str]:
        """Run."""
        spoken = await workflow.start_child_workflow("tests/child", args=[3, "wait"], id="spoken")
        both = await asyncio.gather(
            *(
                workflow.execute_child_workflow("tests/child", args=[n, how], id=f"c{n}")
                for n, how in ((1, ""), (2, "grandchild"))
            )
        )
        await spoken.signal("say", "hello")
        found = [*(str(each) for each in both), str(await spoken)]
        try:
            await workflow.execute_child_workflow("tests/child", args=[4, "fail"], id="failing")
        except ChildWorkflowError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            found.append(f"{cause.type}: {cause.message}")
        try:
            await workflow.execute_child_workflow("tests/nobody", id="nobody")
        except ChildWorkflowError as error:
            found.append(str(error.cause))
        return found


@workflow.defn(name="tests/cancels-child")
class CancelsChild:
    """Cancels a child as it is told; `after` 0 leaves that to the run's own cancel."""

    @workflow.run
    async def run(self, how: str, after: float) -> str:
        """Run."""
        handle = await workflow.start_child_workflow(
            "tests/child", args=[1, "endless"], id="slow", cancellation_type=workflow.ChildWorkflowCancellationType[how]
        )
        if not after:
            return str(await handle)
        await workflow.sleep(after)
        handle.cancel()
        try:
            await handle
        except ChildWorkflowError as error:
            return type(error.cause).__name__
        return "ended"


@workflow.defn(name="tests/leaves-child")
class LeavesChild:
    """Ends while its child runs."""

    @workflow.run
    async def run(self) -> str:
        """Run."""
        await workflow.start_child_workflow("tests/child", args=[1, "endless"], id="left")
        await workflow.sleep(0.01)
        return "done"


@workflow.defn(name="tests/continuing")
class Continuing:
    """Counts to a number, in runs of two steps; what was said is carried over."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        """A word."""
        self._words.append(word)

    @workflow.run
    async def run(self, begin: int, end: int, words: list[str]) -> str:
        """Run."""
        self._words[:0] = words
        for number in range(begin, min(begin + 2, end)):
            await workflow.execute_activity("step", number, result_type=int, start_to_close_timeout=SOON)
        if begin + 2 < end:
            workflow.continue_as_new(args=[begin + 2, end, self._words])
        await workflow.wait_condition(lambda: len(self._words) == 2)
        return f"{end} {' '.join(self._words)}"


@workflow.defn(name="tests/renamed")
class OneStep:
    """One step."""

    @workflow.run
    async def run(self) -> int:
        """Run."""
        return await workflow.execute_activity("step", 1, result_type=int, start_to_close_timeout=SOON)


@workflow.defn(name="tests/renamed")
class OneEffect:
    """The same with another activity."""

    @workflow.run
    async def run(self) -> str:
        """Run."""
        try:
            return str(await workflow.execute_activity("effect", 1, start_to_close_timeout=timedelta(seconds=60)))
        except ActivityError as error:
            return str(error)
