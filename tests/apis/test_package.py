"""What importing costs and what is public."""

import subprocess
import sys

import stigmer_apis.client
from stigmer_apis import fold


def imported(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after `statement`."""
    program = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_loads_neither_protobuf_nor_grpc() -> None:
    for statement in ("import stigmer_apis", "import stigmer_apis.home, stigmer_apis.errors, stigmer_apis.protocol"):
        assert not {name for name in imported(statement) if name.split(".")[0] in ("google", "grpc", "asyncio")}


def test_the_fold_knows_no_grpc() -> None:
    assert "grpc" not in imported("import stigmer_apis.fold")


def test_the_client_loads_nothing_of_the_other_layers() -> None:
    heavy = {"textual", "ZODB", "temporalio", "pexpect", "ulid", "stigmer_backend", "stigmer_runner", "stigmer_tui"}
    assert not heavy & imported("import stigmer_apis.client")


def test_grpcs_environment_stands_before_it_is_loaded() -> None:
    program = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "grpc":
            print(os.environ.get("GRPC_ENABLE_FORK_SUPPORT"), os.environ.get("GRPC_VERBOSITY"))
sys.meta_path.insert(0, Finder())
import stigmer_apis.client
"""
    environ = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout == "0 NONE\n"


def test_the_public_names() -> None:
    assert stigmer_apis.client.__all__ == [
        "AgentHandle",
        "AttachSession",
        "Client",
        "ClientOptions",
        "Connection",
        "ConnectionState",
        "Execution",
        "Remote",
        "Result",
        "SessionHandle",
        "Stigmer",
        "SyncStigmer",
        "TailBatch",
        "TailEnd",
        "TailHeartbeat",
        "TailItem",
        "TailReset",
        "client_environment",
        "ensure_daemon",
    ]
    assert all(hasattr(stigmer_apis.client, name) for name in stigmer_apis.client.__all__)
    assert fold.__all__ == [
        "Fold",
        "apply_events",
        "empty_fold",
        "events_for_status_update",
        "events_for_workflow_update",
        "is_terminal",
        "published_status",
        "published_workflow_status",
    ]
