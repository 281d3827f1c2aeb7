"""The daemon as an ordinary user, when the tests run as root. Everything is imported before, since root's Python may be readable for root alone."""

import os
import sys

from stigmer_apis import logs
from stigmer_backend.daemon import __main__, failures, serving

NOBODY = 65534

if __name__ == "__main__":
    assert all((failures, logs, serving))
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    sys.exit(__main__.main())
