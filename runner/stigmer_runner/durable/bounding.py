"""Keeps a run within its allowance: the person is told before anything stops."""

from collections.abc import Callable, Iterable

from stigmer_runner.durable import telling
from stigmer_runner.durable.limits import NEAR, Near, in_words, left, near
from stigmer_runner.durable.messages import Allowance, Used
from stigmer_runner.durable.steps import now_micros, tell
from stigmer_runner.engine.temporalio_names import ApplicationError, workflow


class Bounds:
    """What a run may use, and what it has used. `time_is_up` is called once no time is left."""

    def __init__(
        self, allowance: Allowance, used: Used, told: Iterable[str], started: int, time_is_up: Callable[[], None]
    ) -> None:
        self.used = used
        self.told = set(told)
        """Limits of which the person knows that they are near."""
        self.started = started
        """When the run began, in microseconds since 1970; 0 before."""
        self.time_up: Near | None = None
        self._allowance = allowance
        self._time_is_up = time_is_up

    def left(self) -> Allowance:
        """What is left, for a sub-agent."""
        return left(self.used, self._allowance, (now_micros() - self.started) / 1e6)

    async def check(self) -> None:
        """Tell of limits that are near; raises `ApplicationError` where one is reached."""
        reached = self.time_up
        for found in near(self.used, self._allowance):
            if found.reached:
                reached = reached or found
            elif found.limit not in self.told:
                self.told.add(found.limit)
                await tell(telling.encoded([telling.limit(found)]))
        if reached is not None:
            await tell(telling.encoded([telling.limit(reached)]))
            raise ApplicationError(in_words(reached), type="LimitReached", non_retryable=True)

    async def watch_time(self) -> None:
        """Tell when time is near its end, and when it is up. Cancelled with the run."""
        allowed = self._allowance.seconds
        if not allowed:
            return
        await workflow.wait_condition(lambda: self.started > 0)
        micros = round(allowed * 1e6)
        for part in (NEAR, 1.0):
            seconds = allowed * part - (now_micros() - self.started) / 1e6
            if seconds > 0:
                await workflow.sleep(seconds)
            elif part < 1.0:
                continue
            found = Near("time", round(micros * part), micros)
            if part < 1.0:
                self.told.add("time")
                await tell(telling.encoded([telling.limit(found)]))
            else:
                self.time_up = found
                self._time_is_up()
