"""The daemon with little patience for a runner that hangs."""

import sys

from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.daemon.supervisor import SupervisorOptions
from tests.daemon.composed import main

OPTIONS = ServeOptions(
    silent=4.0, supervisor=SupervisorOptions(unreachable=4.0, look=0.1, goodbye=0.5, terminate=0.5, first_delay=0.01)
)

if __name__ == "__main__":
    sys.exit(main(lambda _home: OPTIONS))
