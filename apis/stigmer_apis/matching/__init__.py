"""Looking for a text or a regular expression in lines, in a process of its own: an expression that never ends takes that process down, and nobody else.

`pattern` says what is looked for, `matcher` asks the process, `child` is the process (it imports nothing of ours).
"""

from stigmer_apis.matching.matcher import Found, Matcher
from stigmer_apis.matching.pattern import LONGEST_PATTERN, Pattern

__all__ = ["LONGEST_PATTERN", "Found", "Matcher", "Pattern"]
