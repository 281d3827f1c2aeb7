"""Descriptions are read without a command line, a server or a screen; two modules, apart, put them to a server."""

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "stigmer_tui" / "manifests"

ASK_A_SERVER = {"refused", "storing"}


def test_nothing_of_it_loads_click_grpc_or_textual() -> None:
    modules = ", ".join(
        f"stigmer_tui.manifests.{path.stem}"
        for path in sorted(PACKAGE.glob("*.py"))
        if path.stem not in {"__init__", *ASK_A_SERVER}
    )
    program = f"import {modules}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"click", "grpc", "textual", "asyncio"} & set(done.stdout.split())
