"""A daemon as a process of its own that listens with TLS, fed by a producer in another: what it takes is measured from the outside."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from stigmer_apis._generated.stigmer.access.v1.api_key_service_pb2 import API_KEY_ROLE_OPERATOR
from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.client.remote import Remote
from tests.chaos.acting_runner import ActingRunner
from tests.chaos.daemon import DaemonProcess, client_of
from tests.support.workstation import Workstation, new_workstation


@dataclass(slots=True)
class Living:
    """The daemon, and the way to it."""

    workstation: Workstation
    daemon: DaemonProcess
    producer: ActingRunner
    local: Client
    """Over its socket."""
    endpoint: str
    key: str

    def remote(self) -> Remote:
        """The way over TLS."""
        return Remote(self.endpoint, self.key)

    def client(self) -> Client:
        """A client over TLS."""
        return Client(self.daemon.home, remote=self.remote(), options=ClientOptions(patience=60.0))

    @property
    def resident(self) -> int:
        """The daemon's own memory, in bytes: without pages of files, which the system takes and gives as it likes."""
        taken = psutil.Process(self.daemon.child.pid).memory_info()
        return taken.rss - taken.shared

    @property
    def worked(self) -> float:
        """Seconds of a core that the daemon has taken."""
        taken = psutil.Process(self.daemon.child.pid).cpu_times()
        return taken.user + taken.system

    @property
    def descriptors(self) -> int:
        """How many files and sockets the daemon has open. Its directory in /proc is its own, so that it is counted by the process table."""
        return psutil.Process(self.daemon.child.pid).num_fds()


def free_port() -> int:
    """One that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def living(directory: Path, seed: str, size: int = 0, pause: float = 0.004) -> AsyncGenerator[Living]:
    """A daemon with a producer that appends numbered deltas to every execution that it is given, each with so many bytes of text more: 1 to 8 of them
    at once, and then none for at most `pause` seconds; so some thousand a second in all."""
    endpoint = f"127.0.0.1:{free_port()}"
    with new_workstation(STIGMER_SERVER_LISTEN=endpoint) as workstation:
        producer = ActingRunner.start(workstation, directory, seed, str(size), str(pause))
        daemon = DaemonProcess.start(workstation)
        try:
            await daemon.answers()
            async with client_of(workstation) as local:
                key = (await local.api_keys.create("load", API_KEY_ROLE_OPERATOR, 0)).key
                yield Living(workstation, daemon, producer, local, endpoint, key)
        except BaseException:
            print(f"daemon: {daemon.child.poll()}, producer: {producer.child.poll()}\n{daemon.log()}\n{producer.log()}")
            raise
        finally:
            producer.child.kill()
            producer.child.wait()
            daemon.kill()
