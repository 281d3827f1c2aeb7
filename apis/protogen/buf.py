"""Finds buf, which lints and formats the .proto files, and runs it.

buf is one binary in an npm package. It is installed below `build/`, at one pinned version, because another version may
format differently. Generating code needs none of this.
"""

import shutil
import subprocess
from pathlib import Path

from protogen.compile import APIS, ROOTS

VERSION = "1.75.0"
"""The version that the committed files were formatted with."""

INSTALLED = APIS.parent / "build" / f"buf-{VERSION}"
"""Where npm puts it; `build/` is not committed."""


class BufError(Exception):
    """buf could not be found or installed; the text says what to do."""


def lint(image: Path) -> int:
    """Lint the compiled `image` by the rules of `apis/buf.yaml`, print what is found, and return 1 for findings.

    Raises `BufError`.
    """
    return _run(["lint", str(image), "--config", str(APIS / "buf.yaml")])


def format_sources(*, check: bool) -> int:
    """Format every .proto file in place; with `check`, write nothing, print what would change and return 1 for it.

    Raises `BufError`.
    """
    return _run(["format", "--diff", "--exit-code"] if check else ["format", "--write"])


def _run(arguments: list[str]) -> int:
    paths = [part for root in ROOTS for part in ("--path", root)]
    done = subprocess.run([str(_binary()), *arguments, *paths], cwd=APIS, check=False)
    return 1 if done.returncode else 0


def _binary() -> Path:
    on_path = shutil.which("buf")
    if on_path and _version(Path(on_path)) == VERSION:
        return Path(on_path)
    installed = INSTALLED / "node_modules" / ".bin" / "buf"
    if not installed.exists():
        _install()
    return installed


def _install() -> None:
    npm = shutil.which("npm")
    how = f"Install Node.js, with whose npm this brings buf by itself, or put buf {VERSION} on PATH."
    if npm is None:
        raise BufError(
            f"Linting and formatting .proto files needs buf {VERSION}, and there is neither buf nor npm on PATH. {how}"
        )
    command = [
        npm,
        "install",
        "--prefix",
        str(INSTALLED),
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        f"@bufbuild/buf@{VERSION}",
    ]
    INSTALLED.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BufError(f"npm could not install buf {VERSION}:\n{done.stderr.strip()}\n{how}")


def _version(binary: Path) -> str:
    return subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False).stdout.strip()
