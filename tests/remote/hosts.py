"""Hosts, as far as one machine has them: network namespaces, each with a link of its own to this one that can be cut and made slow."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.require import missing
from tests.support.workstation import Workstation


@dataclass(frozen=True, slots=True)
class Host:
    """One of them, and its link."""

    name: str
    link: str
    """This machine's end."""
    here: str
    """The address of this machine, as the host sees it."""

    def start(self, workstation: Workstation, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `stigmer` there, as `Workstation.start` does here."""
        return subprocess.Popen(
            ("ip", "netns", "exec", self.name, *workstation.command(*arguments)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=workstation.environ(),
        )

    def cut(self) -> None:
        """Let nothing through any more, and say nothing of it: as when a cable is pulled."""
        _ip("link", "set", self.link, "down")

    def mend(self) -> None:
        """Let everything through again."""
        _ip("link", "set", self.link, "up")

    def throttle(self, rate: str) -> bool:
        """Let what goes there through at this rate alone, such as `256kbit`; whether the machine can do that."""
        words = ("tc", "qdisc", "replace", "dev", self.link, "root", "tbf", "rate", rate)
        limits = ("burst", "16kbit", "latency", "500ms")
        return shutil.which("tc") is not None and subprocess.run((*words, *limits), capture_output=True).returncode == 0


@contextmanager
def hosts(count: int) -> Generator[list[Host]]:
    """So many. Skips the test, and says why, where none can be made."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        missing("no network namespace can be made: that takes the program `ip`, and root")
    made: list[str] = []
    found: list[Host] = []
    try:
        for number in range(count):
            name, link = f"stg{os.getpid()}n{number}", f"sg{os.getpid()}n{number}"
            net = f"10.{213 + number}.{os.getpid() // 64 % 256}"
            first = os.getpid() % 64 * 4
            try:
                _ip("netns", "add", name)
                made.append(name)
                _ip("link", "add", link, "type", "veth", "peer", "name", "up0", "netns", name)
                _ip("address", "add", f"{net}.{first + 1}/30", "dev", link)
                _ip("link", "set", link, "up")
                _ip("-n", name, "address", "add", f"{net}.{first + 2}/30", "dev", "up0")
                _ip("-n", name, "link", "set", "up0", "up")
                _ip("-n", name, "link", "set", "lo", "up")
            except subprocess.CalledProcessError as error:
                missing(f"no network namespace can be made: {error.stderr.decode().strip()}")
            found.append(Host(name, link, f"{net}.{first + 1}"))
        yield found
    finally:
        for name in made:
            _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True)
