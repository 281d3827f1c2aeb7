"""What a benchmark is given."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.workstation import Workstation, new_workstation


class Unavailable(Exception):
    """This machine cannot run the benchmark; its text says what is missing."""


class Bench:
    """One run: how long it may take, where it may write, and a workstation that benchmarks share."""

    def __init__(self, scratch: Path, stack: ExitStack, *, short: bool) -> None:
        """Use `new_bench`."""
        self.short = short
        self.scratch = scratch
        self._stack = stack
        self._workstation: Workstation | None = None
        self._directories = 0

    def size(self, short: int, full: int) -> int:
        """`short` in a short run, else `full`."""
        return short if self.short else full

    def directory(self) -> Path:
        """A new empty directory on the disk that temporary files are on."""
        self._directories += 1
        path = self.scratch / str(self._directories)
        path.mkdir()
        return path

    @property
    def workstation(self) -> Workstation:
        """The shared workstation, with its daemon and its runner running."""
        if self._workstation is None:
            self._workstation = self._stack.enter_context(new_workstation())
            self._workstation.run("run", "shell", "--message", "true", "--follow")
        return self._workstation


@contextmanager
def new_bench(*, short: bool) -> Generator[Bench]:
    """A run; what it wrote and started is gone afterwards."""
    scratch = Path(tempfile.mkdtemp(prefix="stg-bench-", dir="/var/tmp"))
    try:
        with ExitStack() as stack:
            yield Bench(scratch, stack, short=short)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Some figures that are measured together."""

    name: str
    """What `--only` takes."""
    measure: Callable[[Bench], Awaitable[Sequence[Figure]]]
    """Measures them. Raises `Unavailable` where this machine lacks something; any other exception is a broken benchmark."""
    full_only: bool = False
    """Too long for a short run."""
