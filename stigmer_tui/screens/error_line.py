"""What went wrong, where there is one line for it."""

from stigmer_apis.errors import StigmerError
from stigmer_tui.text import Untrusted, safe


def in_a_line(error: StigmerError) -> str:
    """What failed and how to mend it, one behind the other. Safe to draw."""
    return safe(Untrusted(". ".join(filter(None, (error.message, error.remedy)))))
