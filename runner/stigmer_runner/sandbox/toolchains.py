"""What of a hidden home has to be readable so that the programs on the person's `PATH` run inside as they do outside.

A directory on `PATH` is shown, and with it the installation that it belongs to (a version manager, a virtual
environment, a prefix with libraries); links and interpreter lines in it are followed, and what they lead to is shown too.
Links may have been planted by a command in a directory that it could write, so what is followed is narrow: programs,
their installations, never a directory that contains the home, never one that is known for secrets.
"""

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from stigmer_runner.sandbox.model import Mount, MountKind

INSTALLATIONS = tuple(
    Path(path)
    for path in [
        ".pyenv",
        ".rbenv",
        ".nodenv",
        ".goenv",
        ".jenv",
        ".phpenv",
        ".plenv",
        ".asdf",
        ".nvm",
        ".fnm",
        ".volta",
        ".sdkman",
        ".ghcup",
        ".opam",
        ".juliaup",
        ".bun",
        ".deno",
        ".krew",
        ".foundry",
        ".linuxbrew",
        ".poetry",
        ".rustup",
        ".cargo/bin",
        ".local/bin",
        ".local/lib",
        ".local/pipx",
        ".local/share/mise",
        ".local/share/rtx",
        ".local/share/fnm",
        ".local/share/pnpm",
        ".local/share/uv",
        ".local/share/pipx",
        ".local/share/pypoetry",
        ".local/share/virtualenvs",
    ]
)
"""Below a home: known places of toolchains, shown as a whole when `PATH` leads into them."""

_UV_PYTHON = Path(".local/share/uv/python")

COMPANIONS = {
    Path(".cargo/bin"): (Path(".rustup"), _UV_PYTHON),
    Path(".local/bin"): (Path(".local/lib"), _UV_PYTHON),
}
"""What a place needs beside it: cargo's programs are rustup's, scripts of `pip --user` import from the library, and
environments that uv made run its Python."""

SETTINGS = tuple(
    Path(path)
    for path in (
        ".gitconfig",
        ".config/git/config",
        ".config/git/ignore",
        ".config/git/attributes",
        ".tool-versions",
    )
)
"""Files of a home that are shown where they exist."""

SECRET = frozenset(
    (
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".docker",
        ".password-store",
        ".mozilla",
        ".thunderbird",
        ".pki",
        "keyrings",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
    )
)
"""Names below which nothing is shown, wherever they stand in a path."""

_PROGRAM_DIRECTORIES = frozenset(("bin", "sbin", "condabin", "libexec", "Scripts"))
_SIGNS_OF_A_PREFIX = ("lib", "lib64", "libexec", "pyvenv.cfg", "conda-meta")
_ENTRIES = 4000
_LINKS = 40
_DEPTH = 6


class Survey:
    """Collects what is to be shown of a machine beyond what everybody sees."""

    def __init__(self, person_home: Path, always_shown: Callable[[Path], bool]) -> None:
        """`person_home` with symbolic links resolved; `always_shown` says what needs no mount of its own."""
        self._home = person_home
        self._always_shown = always_shown
        self._shown: dict[Path, Mount] = {}

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What was found, in no order that matters."""
        return tuple(self._shown.values())

    def search_path(self, path: str) -> None:
        """Show what the directories of a `PATH` need."""
        for entry in dict.fromkeys(path.split(os.pathsep)):
            directory = Path(entry)
            if not directory.is_absolute():
                continue
            real = self.reach(directory)
            if real is None or not os.path.isdir(real) or self._too_wide(real):
                continue
            if not self._is_shown(real):
                self._show_installation(real)
            if real.is_relative_to(self._home) or not self._always_shown(real):
                self._programs_in(real)

    def program(self, path: Path) -> None:
        """Show one program, the installation that it stands in, and what it needs, as those of a `PATH` are."""
        directory, real = self.reach(path.parent), os.path.realpath(path)
        if directory is not None and os.path.isfile(real) and not self._is_shown(directory):
            self._show_installation(directory, otherwise=Path(real))
        self._program(path, _DEPTH)

    def file(self, path: Path) -> None:
        """Show one file or directory at exactly its place, and the links on the way to it."""
        real = self.reach(path)
        if real is not None and os.path.exists(real):
            self._show(real)

    def reach(self, path: Path) -> Path | None:
        """Where `path` leads; links on the way that are hidden are shown. None where they go in circles."""
        at, rest, hops = Path("/"), list(reversed(path.parts[1:])), 0
        while rest:
            part = rest.pop()
            if part == "..":
                at = at.parent
                continue
            place = at / part
            text = _link(place)
            if text is None:
                at = place
                continue
            hops += 1
            if hops > _LINKS:
                return None
            target = Path(text)
            if not self._is_shown(place):
                self._shown[place] = Mount(place, MountKind.LINK, target)
            if target.is_absolute():
                at = Path("/")
                rest += reversed(target.parts[1:])
            else:
                rest += reversed(target.parts)
        return at

    def _programs_in(self, directory: Path) -> None:
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            return
        for name in names[:_ENTRIES]:
            self._program(directory / name, _DEPTH)

    def _program(self, path: Path, depth: int) -> None:
        """Show what the program `path` needs: what it links to, its installation, its interpreter."""
        real = self.reach(path)
        if real is None or depth == 0 or not _is_program(real):
            return
        if not self._is_shown(real):
            self._show_installation(real.parent, otherwise=real)
            root = real.parent.parent
            if os.path.isfile(root / "pyvenv.cfg"):
                for python in ("python", "python3"):
                    self._program(root / "bin" / python, depth - 1)
        interpreter = _interpreter(real)
        if interpreter is not None and interpreter != real:
            self._program(interpreter, depth - 1)

    def _show_installation(self, directory: Path, otherwise: Path | None = None) -> None:
        """Show the installation that a directory of programs belongs to, else `otherwise`, else the directory."""
        for place in INSTALLATIONS:
            if directory.is_relative_to(self._home / place):
                self._show(self._home / place)
                for companion in COMPANIONS.get(place, ()):
                    self.file(self._home / companion)
                return
        parent = directory.parent
        if (directory.name == ".bin" and not self._too_wide(parent)) or (
            directory.name in _PROGRAM_DIRECTORIES
            and not self._too_wide(parent)
            and any(os.path.exists(parent / sign) for sign in _SIGNS_OF_A_PREFIX)
        ):
            self._show(parent)
        else:
            self._show(otherwise or directory)

    def _show(self, path: Path) -> None:
        if not self._is_shown(path) and not self._too_wide(path) and not self._is_secret(path):
            self._shown[path] = Mount(path, MountKind.READ_ONLY, path)

    def _is_shown(self, path: Path) -> bool:
        if self._always_shown(path):
            return True
        return any(
            (mount := self._shown.get(place)) is not None and mount.kind is MountKind.READ_ONLY
            for place in (path, *path.parents)
        )

    def _too_wide(self, path: Path) -> bool:
        return self._home.is_relative_to(path) or path == self._home / ".local" or path == Path("/")

    def _is_secret(self, path: Path) -> bool:
        return not SECRET.isdisjoint(path.parts)


def signature(path: str, files: Iterable[Path]) -> tuple[object, ...]:
    """What changes when a survey of `path` and `files` would find something else: cheap to ask before each command."""
    places = [entry for entry in path.split(os.pathsep) if entry.startswith("/")] + [str(file) for file in files]
    return tuple(_stamp(place) for place in places)


def _stamp(place: str) -> tuple[int, int] | None:
    try:
        found = os.stat(place)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _link(place: Path) -> str | None:
    """What a symbolic link says, None for anything else or what may not be asked."""
    try:
        return os.readlink(place)
    except OSError:
        return None


def _is_program(path: Path) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)


def _interpreter(path: Path) -> Path | None:
    """The program that an interpreter line names, None without one or where `env` finds it by `PATH`."""
    try:
        with open(path, "rb") as file:
            first = file.read(512)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = first[2:].partition(b"\n")[0].split()
    return Path(os.fsdecode(words[0])) if words and words[0].startswith(b"/") else None
