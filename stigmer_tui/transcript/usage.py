"""What model calls used, added up by turn and by run."""

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import UsageReported
from stigmer_tui.transcript.blocks import Usage


class TurnUsage:
    """Adds up until a turn ends."""

    def __init__(self) -> None:
        self.begin_run()

    def begin_run(self) -> None:
        """Another run: nothing was used yet."""
        self._turn = Usage()
        self._tokens = self._cost = 0

    def add(self, used: UsageReported) -> None:
        """A model call."""
        turn = self._turn
        turn.calls += 1
        turn.input_tokens += used.input_tokens
        turn.cached_tokens += used.cached_input_tokens
        turn.output_tokens += used.output_tokens
        turn.cost_micro_usd += used.cost_micro_usd
        self._tokens += used.input_tokens + used.output_tokens
        self._cost += used.cost_micro_usd

    def end_turn(self) -> Usage | None:
        """What the turn used; None where it asked no model."""
        turn, self._turn = self._turn, Usage()
        if not turn.calls:
            return None
        turn.run_tokens, turn.run_cost_micro_usd = self._tokens, self._cost
        return turn
