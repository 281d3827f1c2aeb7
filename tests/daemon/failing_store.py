"""The daemon with a disk whose syncs fail from the moment on when the file `fail` is in the home's parent."""

import errno
import sys
from pathlib import Path

from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.store import FileLayer, StoreOptions
from tests.daemon.composed import main


class FailingFiles(FileLayer):
    """Syncs fail while `trigger` is there."""

    def __init__(self, trigger: Path) -> None:
        self._trigger = trigger

    def sync(self, descriptor: int) -> None:
        if self._trigger.exists():
            raise OSError(errno.EIO, "Input/output error")
        super().sync(descriptor)


if __name__ == "__main__":
    sys.exit(main(lambda home: ServeOptions(store=StoreOptions(files=FailingFiles(home.root.parent / "fail")))))
