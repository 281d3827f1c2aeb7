"""What a tool of a server is called: `mcp:<server>/<tool>` in policies, and to models a name that providers take."""

import hashlib
import re

LONGEST = 64
"""Characters of a name to a model."""

_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


def policy_name(server: str, tool: str) -> str:
    """The name that rules of policies and approvals go by."""
    return f"mcp:{server}/{tool}"


def model_name(server: str, tool: str) -> str:
    """The name that a model calls it by: letters, digits, `_` and `-`. What had to be changed or cut is told apart by a hash."""
    plain = f"mcp__{server}__{tool}"
    name = _STRANGE.sub("_", plain)
    if name == plain and len(name) <= LONGEST and "__" not in server and "__" not in tool:
        return name
    mark = hashlib.sha256(policy_name(server, tool).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST - 9]}_{mark}"
