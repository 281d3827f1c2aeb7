"""Paths that try to leave a workspace: by name, by link, by race. Each with `openat2` and with the walk for systems without."""

import ctypes
import os
import threading
import unicodedata
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_runner.tools.files.beneath import Beneath, PathRefused, has_openat2
from stigmer_runner.tools.files.changing import change, look
from stigmer_runner.tools.files.contents import read_all
from stigmer_runner.tools.files.snapshots import Snapshots
from tests.sandbox.ground import CANARY
from tests.support.scale import scaled

OUTSIDE = "letter"

PATHS = (
    "../letter", "../../letter", "./../letter", "sub/../../letter", "sub/../../outside/letter", "..", "../", ".." + "/.." * 40 + "/etc/passwd",
    "/etc/passwd", "//etc/passwd", "/./etc/passwd", "/etc/../etc/passwd", "~/letter", "~root/.bashrc", "~", "sub/./../../letter",
    "{outside}/letter", "{root}/../outside/letter", "{root}x/letter", "{root}/sub/../../outside/letter", "{outside}", "/", "//", "/.", "/..",
    "link", "link/", "absolute", "absolute/../letter", "directory/letter", "directory/./letter", "directory/../outside/letter", "chain",
    "chain2", "relative", "relative/letter", "up/letter", "up/outside/letter", "deep/letter", "sub/up/letter", "loop", "loop/x", "self/letter",
    "/proc/self/root/etc/passwd", "/proc/self/cwd/../outside/letter", "proc/etc/passwd", "proc", "fd", "fd/0", "cwd/letter", "magic/letter",
    "/proc/self/fd/0", "/proc/1/root/etc/passwd", "/dev/stdin", "/dev/fd/0", "/dev/null", "/dev/zero", "null", "zero", "pipe", "socket",
    "a\0b", "../letter\0", "link\0.txt", "x" * 5000, "a/" * 2100, "\ud800x", "hard/../../outside/letter",
    "sub/directory/letter", "sub\\..\\..\\letter", "..\\letter", "%2e%2e/letter", "..%2fletter", "\u2024\u2024/letter", "\uff0e\uff0e/letter",
    "．．/letter", "..\u200b/letter", "..∕letter", "..⁄letter", " ../letter", "../letter ", "\t../letter", "..\n/letter", "file:///etc/passwd",
)  # fmt: skip


class Place:
    """A workspace with every kind of way out of it planted in it."""

    def __init__(self, base: Path) -> None:
        self.root, self.outside = base / "root", base / "outside"
        for directory in (self.root / "sub", self.outside, base / "rootx"):
            directory.mkdir(parents=True)
        for name in (base / "letter", self.outside / "letter", base / "rootx" / "letter"):
            name.write_text(CANARY)
        (self.root / "mine").write_text("mine")
        links = {
            "link": "../letter",
            "absolute": str(self.outside),
            "directory": "../outside",
            "chain": "chain2",
            "chain2": "link",
            "relative": "sub/../../outside",
            "up": "..",
            "deep": "sub/../../outside",
            "sub/up": "../..",
            "loop": "loop",
            "self": "./self",
            "proc": "/proc/self/root",
            "fd": "/proc/self/fd",
            "cwd": "/proc/self/cwd",
            "magic": f"/proc/{os.getpid()}/root{self.outside}",
            "null": "/dev/null",
            "zero": "/dev/zero",
            "sub/directory": "../../outside",
        }
        for name, target in links.items():
            (self.root / name).symlink_to(target)
        os.mkfifo(self.root / "pipe")

    def path(self, template: str) -> str:
        """The path of a test."""
        return template.replace("{outside}", str(self.outside)).replace("{root}", str(self.root))


@pytest.fixture
def place(short_tmp: Path) -> Place:
    return Place(short_tmp.resolve())


@pytest.fixture(params=["openat2", "walk"])
def files(request: pytest.FixtureRequest, place: Place) -> Beneath:
    """Both ways in."""
    if request.param == "openat2" and not has_openat2():
        pytest.skip("this system has no openat2")
    return Beneath(place.root, walk=request.param == "walk")


def test_there_are_enough() -> None:
    assert 2 * len(set(PATHS)) >= 120


@pytest.mark.parametrize("template", PATHS, ids=[str(number) for number in range(len(PATHS))])
def test_no_path_leads_out(files: Beneath, place: Place, short_tmp: Path, template: str) -> None:
    path = place.path(template)
    before = sorted(str(found) for found in short_tmp.rglob("*"))
    seen, said = b"", ""
    try:
        with files.opened(path) as descriptor:
            if not os.path.isdir(f"/proc/self/fd/{descriptor}"):
                seen = os.read(descriptor, 4096)
            here = os.readlink(f"/proc/self/fd/{descriptor}")
            assert here == str(place.root) or here.startswith(f"{place.root}/")
    except PathRefused as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 1000
    assert CANARY.encode() not in seen
    assert b"root:" not in seen
    try:
        found = look(files, path)
        change(files, Snapshots(short_tmp / "root" / ".snapshots"), "m", path, b"overwritten", found)
    except PathRefused:
        assert (place.outside / OUTSIDE).read_text() == CANARY
    for letter in (place.outside / "letter", short_tmp / "letter", short_tmp / "rootx" / "letter"):
        assert letter.read_text() == CANARY
    after = sorted(str(found) for found in short_tmp.rglob("*") if not found.is_relative_to(place.root))
    assert after == [found for found in before if not Path(found).is_relative_to(place.root)]


def test_names_that_only_look_alike_are_files_of_their_own(files: Beneath, place: Place, short_tmp: Path) -> None:
    composed, taken_apart = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    (place.root / composed).write_text("composed")
    with pytest.raises(PathRefused, match="not there"), files.opened(taken_apart):
        pass
    snapshots = Snapshots(short_tmp / "s")
    change(files, snapshots, "m", taken_apart, b"apart", look(files, taken_apart))
    change(files, snapshots, "m", "MINE", b"large", look(files, "MINE"))
    assert (place.root / composed).read_text() == "composed"
    assert (place.root / "mine").read_text() == "mine"


def test_a_hard_link_to_outside_is_not_written_through(files: Beneath, place: Place, short_tmp: Path) -> None:
    os.link(place.outside / "letter", place.root / "hard")
    change(files, Snapshots(short_tmp / "s"), "m", "hard", b"new", look(files, "hard"))
    assert (place.outside / "letter").read_text() == CANARY
    assert (place.root / "hard").read_text() == "new"


def test_a_workspace_that_is_gone_is_told(files: Beneath, place: Place) -> None:
    place.root.rename(place.root.with_name("moved"))
    with pytest.raises(PathRefused, match="moved or removed"), files.opened("mine"):
        pass


_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


class Swapper:
    """Exchanges two names as fast as it can; a context."""

    def __init__(self, one: Path, other: Path) -> None:
        self._names = os.fsencode(one), os.fsencode(other)
        self._stopped = threading.Event()
        self._begun = threading.Event()
        self.swaps = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Swapper":
        self._thread.start()
        assert self._begun.wait(60), "nothing was exchanged"
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        one, other = self._names
        while not self._stopped.is_set():
            if libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE) == 0:
                self.swaps += 1
                if self.swaps > 10:
                    self._begun.set()


def _targets(place: Place) -> Generator[tuple[Path, Path, str]]:
    """A directory that is exchanged with a link out, and a file that is."""
    (place.root / "a").mkdir()
    (place.root / "a" / "letter").write_text("mine")
    (place.root / "b").symlink_to("../outside")
    yield place.root / "a", place.root / "b", "a/letter"
    (place.root / "c").write_text("mine")
    (place.root / "d").symlink_to("../letter")
    yield place.root / "c", place.root / "d", "c"


def test_no_race_of_exchanged_names_is_won(files: Beneath, place: Place, short_tmp: Path) -> None:
    snapshots = Snapshots(short_tmp / "s")
    for one, other, path in _targets(place):
        with Swapper(one, other) as swapper:
            read = written = 0
            for _ in range(scaled(100, 10_000)):
                try:
                    with files.opened(path) as descriptor:
                        assert read_all(descriptor, path) != CANARY.encode()
                    read += 1
                    found = look(files, path)
                    assert found is None or found.content != CANARY.encode()
                    change(files, snapshots, "m", path, b"mine", found)
                    written += 1
                except PathRefused:
                    continue
            assert swapper.swaps > 10
        for letter in (place.outside / "letter", short_tmp / "letter"):
            assert letter.read_text() == CANARY
        assert sorted(entry.name for entry in place.outside.iterdir()) == ["letter"]
