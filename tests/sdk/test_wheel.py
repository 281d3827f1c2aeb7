"""The library alone: built, installed beside what it needs, and imported without the app, the database or the engine."""

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("grpc", "google", "ulid", "yaml", "psutil", "typing_extensions", "grpc_status", "_yaml", "grpc_health")
PROGRAM = """
import sys
from stigmer_apis.client import Client, Stigmer, SyncStigmer
import stigmer_apis.client.sync
print(stigmer_apis.client.__file__)
print(sorted(name for name in sys.modules if name.split(".")[0] in {"textual", "ZODB", "temporalio", "click", "stigmer_tui"}))
"""


def test_a_wheel_gives_the_library_and_nothing_else_is_imported(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("stigmer-*.whl")
    target = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    for name in NEEDED:
        spec = find_spec(name)
        if spec is None:
            continue
        found = (
            Path(next(iter(spec.submodule_search_locations)))
            if spec.submodule_search_locations
            else Path(spec.origin or "")
        )
        if not (target / found.name).exists():
            (target / found.name).symlink_to(found)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(target)!r})\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    place, imported = done.stdout.splitlines()
    assert place.startswith(str(target))
    assert imported == "[]"
