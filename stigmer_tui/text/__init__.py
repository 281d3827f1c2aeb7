"""Text on its way to the screen: what we did not write is a type of its own, and passes through one function.

No module here imports another of ours. `untrusted`, `width` and `times` know nothing of Textual, so that the command line can use them too.
"""

from stigmer_tui.text.untrusted import Untrusted, safe

__all__ = ["Untrusted", "safe"]
