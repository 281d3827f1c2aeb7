"""The activities of a run that are under way."""

import asyncio
from collections.abc import Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityResolved
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activities, Unfinished
from stigmer_runner.engine.attempts import LiveActivity, RunPort
from stigmer_runner.engine.commands import Cancellation
from stigmer_runner.engine.recovery import missing_activity, resolution_without_attempt
from stigmer_runner.engine.standing import PendingActivity


class Lives:
    """Starts activities, cancels them, and knows which still run. Their tasks belong to the run's group."""

    def __init__(self, run: RunPort, activities: Activities) -> None:
        self._run = run
        self._activities = activities
        self._lives: dict[int, LiveActivity] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @property
    def any(self) -> bool:
        """Whether one runs."""
        return bool(self._tasks)

    def take_up(self, pending: PendingActivity) -> LiveActivity | ActivityResolved:
        """An activity to announce and start, or how it is resolved where no attempt is to be made."""
        activity = self._activities.get(pending.schedule.name)
        if activity is None:
            return missing_activity(pending)
        return resolution_without_attempt(pending, activity) or LiveActivity(self._run, activity, pending)

    def lost_events(self, pending: PendingActivity) -> Sequence[Event]:
        """What there is to say about an attempt whose runner died."""
        activity = self._activities.get(pending.schedule.name)
        if activity is None or activity.repeatable or pending.attempt == 0:
            return ()
        return activity.unfinished(LiveActivity(self._run, activity, pending), Unfinished.UNKNOWN)

    def start(self, life: LiveActivity, durable: "asyncio.Future[None]", group: asyncio.TaskGroup) -> None:
        """Let an activity live, once its announcement is durable."""
        self._lives[life.sequence] = life
        self._tasks[life.sequence] = group.create_task(life.live(durable))

    def cancel(self, pending: PendingActivity) -> bool:
        """Cancel an activity as its workflow said; whether it counts as cancelled at once."""
        life = self._lives.get(pending.schedule.sequence)
        if life is None:
            return True
        how = pending.schedule.cancellation
        life.detached = how is not Cancellation.WAIT
        if how is not Cancellation.ABANDON:
            life.request_cancel()
        return life.detached

    def forget(self, life: LiveActivity) -> None:
        """An activity came to its end."""
        self._lives.pop(life.sequence, None)
        self._tasks.pop(life.sequence, None)

    def stop(self) -> "Sequence[asyncio.Task[None]]":
        """Cancel all that run; they end in their own time."""
        for life in list(self._lives.values()):
            life.request_cancel()
        return list(self._tasks.values())

    def break_off(self) -> None:
        """Cancel all that run, whatever they are doing: the lease is lost."""
        for task in self._tasks.values():
            task.cancel()
