"""Stopping the run that is shown: asked twice, then said how far it came."""

from collections.abc import Callable
from functools import partial

from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.stopping import CONFIRM_SECONDS, StopKey
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.transcript.run_state import RunState, StopState


class RunStopping:
    """Between the key and the server."""

    def __init__(self, workstation: Workstation, state: Callable[[], RunState], said: Callable[[], None]) -> None:
        """`said`: told when there is something else to say about it."""
        self._workstation = workstation
        self._state = state
        self._said = said
        self._key = StopKey(workstation.clock)

    @property
    def confirming(self) -> bool:
        """Whether a second press would stop it now."""
        return self._key.waits_for(self._state().execution_id)

    def press(self) -> None:
        """Ask, and at the second press stop the run."""
        state = self._state()
        if not state.live:
            self._workstation.say("This run has ended.")
        elif state.stop is not StopState.NOT_ASKED:
            self._workstation.say("It is being stopped.")
        elif self._key.press(state.execution_id):
            state.stop = StopState.REQUESTED
            self._workstation.run_worker(partial(self._cancel, state.execution_id))
        else:
            self._workstation.set_timer(CONFIRM_SECONDS + 0.1, self._said)
        self._said()

    async def _cancel(self, execution_id: str) -> None:
        client = await self._workstation.client()
        try:
            await client.cancel(execution_id)
        except StigmerError as error:
            state = self._state()
            if state.execution_id == execution_id and state.stop is StopState.REQUESTED:
                state.stop = StopState.NOT_ASKED
            self._workstation.say_error(error)
            self._said()
