"""The daemon's threads share what they give back, and what is free goes to the system."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from stigmer_backend.daemon.allocator import keep_little
if sys.argv[1] == "few":
    assert keep_little()
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


HOLDING = """
import asyncio, ctypes, sys
from stigmer_backend.daemon.own_memory import Looking, OwnMemory
libc, memory = ctypes.CDLL(None), OwnMemory()
libc.malloc.restype = ctypes.c_void_p
size, before = 64 << 10, memory.taken
async def told(taken):
    if taken < before + (24 << 20):
        sys.exit(0)
async def main():
    watching = asyncio.create_task(memory.watch(Looking(seconds=0.05), told))
    await asyncio.sleep(0.01)
    blocks = [ctypes.c_void_p(libc.malloc(size)) for _ in range(1600)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for number, block in enumerate(blocks, 1):
        if number % 100:
            libc.free(block)
    assert memory.taken > before + (90 << 20)
    async with asyncio.timeout(30):
        await watching
asyncio.run(main())
"""

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the calls are the GNU C library's")


@LINUX
def test_threads_share_two_arenas() -> None:
    def arenas(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        return done.stdout.count("<heap nr=")

    assert arenas("few") == 2
    assert arenas("as they come") > 2


@LINUX
def test_what_is_free_is_given_back_to_the_system() -> None:
    subprocess.run([sys.executable, "-c", HOLDING], check=True)
