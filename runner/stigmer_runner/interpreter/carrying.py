"""Where a run stops that goes on as a new one. Its history is short again, and a replay of it soon done.

A run may stop between the tasks of a list and between the rounds of a `for`, where nothing runs beside it: the place is a list of frames, from the outermost
list inwards. It is thrown from there, and each level on its way out puts its frame in front.
"""

from dataclasses import dataclass

from stigmer_apis.workflow.document_json import Json
from stigmer_runner.engine.temporalio_names import workflow

MOST_STEPS = 20_000
"""Tasks of one run, after which it goes on as a new one: a replay does them all again."""


class Carry(BaseException):
    """The run is to go on as a new one from here."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Json] = []

    def inside(self, frame: Json) -> None:
        """Put a frame around those that there are."""
        self.frames.insert(0, frame)


@dataclass(slots=True)
class Resumed:
    """The frames that a run goes on from, the outermost first; empty where it begins."""

    frames: list[Json]

    def take(self) -> dict[str, Json] | None:
        """The next frame."""
        if not self.frames:
            return None
        frame = self.frames.pop(0)
        return frame if isinstance(frame, dict) else None


def is_due(steps: int) -> bool:
    """Whether a run is so long that it should go on as a new one."""
    return steps >= MOST_STEPS or workflow.info().is_continue_as_new_suggested()
