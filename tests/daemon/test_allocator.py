"""The daemon's threads share what they give back."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from stigmer_backend.daemon.allocator import keep_few_arenas
if sys.argv[1] == "few":
    assert keep_few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
start = threading.Barrier(12)
def work():
    start.wait()
    for _ in range(200):
        libc.malloc(200)
    start.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is the GNU C library's")
def test_threads_share_two_arenas() -> None:
    def arenas(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        return done.stdout.count("<heap nr=")

    assert arenas("few") == 2
    assert arenas("as they come") > 2
