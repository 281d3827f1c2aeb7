"""The SDK takes most of a second to import: only runs that have MCP servers wait for it."""

import subprocess
import sys

LOOK = """
import sys
import stigmer_runner.hosting.agent_run
print(sorted(name for name in sys.modules if name == "mcp" or name.startswith("mcp.") or name == "mcp_types"))
"""


def test_a_run_without_servers_never_imports_the_sdk() -> None:
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
