"""Definitions of this suite's own."""

from stigmer_runner.engine.temporalio_names import ApplicationError, ChildWorkflowError, workflow
from tests.runner.workflows import SOON


@workflow.defn(name="tests/three-children")
class ThreeChildren:
    """One with a child of its own, one that is spoken to, one that fails."""

    @workflow.run
    async def run(self) -> list[str]:
        """Run."""
        spoken = await workflow.start_child_workflow("tests/child", args=[3, "wait"], id="spoken")
        found = [str(await workflow.execute_child_workflow("tests/child", args=[2, "grandchild"], id="c2"))]
        await spoken.signal("say", "hello")
        found.append(str(await spoken))
        try:
            await workflow.execute_child_workflow("tests/child", args=[4, "fail"], id="failing")
        except ChildWorkflowError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            found.append(f"{cause.type}: {cause.message}")
        return found


class _Waiting:
    """Waits between two steps until it is told to go on."""

    def __init__(self) -> None:
        self._told = False

    @workflow.signal
    def say(self, word: str) -> None:
        """Go on."""
        self._told = True

    async def step(self, number: int) -> int:
        """One step."""
        return await workflow.execute_activity("step", number, result_type=int, start_to_close_timeout=SOON)


@workflow.defn(name="tests/upgraded")
class FirstVersion(_Waiting):
    """As it was."""

    @workflow.run
    async def run(self) -> list[int]:
        """Run."""
        first = await self.step(1)
        await workflow.wait_condition(lambda: self._told)
        return [first, await self.step(2)]


@workflow.defn(name="tests/upgraded")
class SecondVersion(_Waiting):
    """The same with a step more before it waits."""

    @workflow.run
    async def run(self) -> list[int]:
        """Run."""
        found = [await self.step(1)]
        if workflow.patched("between"):
            found.append(await self.step(15))
        await workflow.wait_condition(lambda: self._told)
        return [*found, await self.step(2)]
