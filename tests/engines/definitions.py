"""Definitions of this suite's own."""

from stigmer_runner.engine.temporalio_names import ApplicationError, ChildWorkflowError, workflow


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
