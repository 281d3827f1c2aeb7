"""What lies over a place, and ends once."""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

ResultT = TypeVar("ResultT")


class Dialog(ModalScreen[ResultT]):
    """A second key that would end it, pressed before it is gone, ends nothing else."""

    _ended = False

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """End it, with a result."""
        if self._ended:
            return AwaitComplete.nothing()
        self._ended = True
        return super().dismiss(result)
