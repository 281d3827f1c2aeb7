"""What of a person's terminal and environment an execution is told, so that commands inside answer as outside."""

import os
from collections.abc import Mapping

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import ClientEnvironment

_NAMES = frozenset({"LANG", "TERM", "COLORTERM", "TZ"})


def client_environment(
    environ: Mapping[str, str] = os.environ, *, columns: int = 0, rows: int = 0
) -> ClientEnvironment:
    """PATH, locale and terminal variables of `environ`, and the terminal's size in cells: 0 where there is none."""
    variables = {name: value for name, value in environ.items() if name in _NAMES or name.startswith("LC_")}
    return ClientEnvironment(path=environ.get("PATH", ""), variables=variables, columns=columns, rows=rows)
