"""`fork`: branches side by side."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.model import Fork, Task
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.carrying import Resumed
from stigmer_runner.interpreter.failing import TaskFailed
from stigmer_runner.interpreter.texts import pointer
from stigmer_runner.interpreter.visit import Done, Lists, Visit


@dataclass(slots=True)
class _Ended:
    """Branches that have come to their ends, in that order."""

    done: list[tuple[int, Done]] = field(default_factory=list[tuple[int, Done]])
    failures: list[TaskFailed] = field(default_factory=list[TaskFailed])
    broken: BaseException | None = None


async def run_fork(visit: Visit, work: Fork, lists: Lists) -> Done:
    """The outputs of all branches, in the order of the document; where they compete, that of the first that ends well.

    An error of a branch is the fork's, and the others are stopped; where they compete, once there is none left that could win.
    """
    ended = _Ended()
    frame = visit.resumed.take()
    begun = frame.get("branches") if frame is not None else None
    count = len(work.branches)

    async def branch(number: int, task: Task) -> None:
        path = pointer(visit.path, "fork", "branches", number, task.name.text)
        around = visit.inside(carries=False, branch=task.name.text)
        try:
            ended.done.append((number, await lists.task(task, path, visit.input, around, _resumed(begun, number))))
        except TaskFailed as error:
            ended.failures.append(error)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            ended.broken = error
            raise

    def is_decided() -> bool:
        if ended.broken is not None or any(done.ends for _, done in ended.done):
            return True
        if work.competes:
            return bool(ended.done) or len(ended.failures) == count
        return bool(ended.failures) or len(ended.done) == count

    running = [asyncio.create_task(branch(number, task)) for number, task in enumerate(work.branches)]
    try:
        await workflow.wait_condition(is_decided)
    finally:
        await stop(running)
    if ended.broken is not None:
        raise ended.broken
    ending = next((done for _, done in ended.done if done.ends), None)
    if ending is not None:
        return ending
    if work.competes and ended.done:
        return Done(ended.done[0][1].output)
    if ended.failures:
        raise ended.failures[0]
    return Done([done.output for _, done in sorted(ended.done, key=lambda each: each[0])])


def _resumed(begun: Json, number: int) -> Resumed:
    """From where a branch goes on that began in another run."""
    frames = begun.get(str(number)) if isinstance(begun, dict) else None
    return Resumed(list(frames) if isinstance(frames, list) else [])


async def stop(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Cancel what still runs, and wait until it has ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
