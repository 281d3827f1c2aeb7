"""The first process of a command's namespace: once it is gone, so is everything in there."""

import asyncio
import json
import os
import select
import time
from typing import cast

from stigmer_runner.sandbox import processes

PATIENCE = 5.0
"""Seconds to wait for it; the kernel ends a namespace in about a millisecond, unless a process is stuck in a call."""


class Anchor:
    """Found by what bubblewrap writes about its child, and held by a handle, not by its number."""

    def __init__(self, information: int) -> None:
        """`information` is a descriptor of the file that bubblewrap writes; it is closed here."""
        self._information = information
        self._pid = 0
        self._handle = -1

    def child(self) -> int:
        """The number of the first process, as soon as bubblewrap tells it. Blocks; raises `TimeoutError` where it never does."""
        deadline = time.monotonic() + PATIENCE
        while not (pid := _child(os.pread(self._information, 4096, 0))):
            if time.monotonic() > deadline:
                raise TimeoutError("bubblewrap did not say which process it made")
            time.sleep(0.0005)
        return pid

    def hold(self) -> None:
        """Take hold of it; to be called once the sandbox stands, and cheap."""
        if self._information < 0:
            return
        content = os.pread(self._information, 4096, 0)
        os.close(self._information)
        self._information = -1
        self._pid = _child(content)
        if self._pid:
            try:
                self._handle = os.pidfd_open(self._pid)
            except ProcessLookupError:
                return

    def close(self) -> None:
        """Let go of it."""
        for fd in (self._information, self._handle):
            if fd >= 0:
                os.close(fd)
        self._information = self._handle = -1

    async def gone(self) -> None:
        """Wait until it is gone, and reap it where it became a child of this process."""
        self.hold()
        if self._handle < 0:
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._handle, ended.set)
        try:
            async with asyncio.timeout(PATIENCE):
                await ended.wait()
        except TimeoutError:
            return
        finally:
            loop.remove_reader(self._handle)
            self.close()
        processes.reap([self._pid])

    def wait(self) -> None:
        """`gone`, for a thread that may block."""
        self.hold()
        if self._handle >= 0:
            poller = select.poll()
            poller.register(self._handle, select.POLLIN)
            poller.poll(PATIENCE * 1000)
            self.close()
            processes.reap([self._pid])


def _child(content: bytes) -> int:
    """The number in what bubblewrap wrote, 0 where it wrote none: it may have failed before."""
    try:
        information = cast(object, json.loads(content))
    except ValueError:
        return 0
    if not isinstance(information, dict):
        return 0
    pid = cast(dict[str, object], information).get("child-pid")
    return pid if isinstance(pid, int) else 0
