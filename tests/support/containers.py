"""Containers on this machine without an image from anywhere: a file tree of links around the machine's own `/usr`."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from stigmer_runner.tools.execute.engine import Engine, NoContainerEngine, find_engine
from tests.support.require import missing

SETTINGS = """
[containers]
default_ulimits=["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
{runtime}
"""


_WORKS: list[str] = []
"""What was tried in this process, and ran."""


async def require_podman(base: Path, environment: dict[str, str]) -> tuple[Engine, Path]:
    """Podman with settings of its own below `base`, and a file tree for it; skip, or fail in CI, where no container can run."""
    if shutil.which("podman") is None:
        missing("podman is not installed")
    tree, given = _made(base, environment)
    try:
        engine = await find_engine(lambda name: shutil.which("podman") if name == "podman" else None, given)
    except NoContainerEngine as error:
        missing(str(error))
    if _WORKS:
        return engine, tree
    tried = await asyncio.to_thread(
        subprocess.run,
        engine.command("run", "--rm", "--network=none", "--volume=/usr:/usr:ro", "--rootfs", str(tree), "true"),
        env=dict(engine.environment),
        capture_output=True,
        check=False,
        timeout=60,
    )
    if tried.returncode != 0:
        missing(f"podman cannot run a container here: {tried.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    _WORKS.append(engine.program)
    return engine, tree


def _made(base: Path, environment: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """The file tree, and an environment that names the settings."""
    tree, settings = base / "tree", base / "containers.conf"
    for name in ("proc", "sys", "dev", "tmp", "etc", "run", "usr"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(f"usr/{name}")
    runc = Path("/usr/sbin/runc")
    settings.write_text(SETTINGS.format(runtime='runtime="runc"' if runc.exists() else ""))
    return tree, environment | {"CONTAINERS_CONF": str(settings)}
