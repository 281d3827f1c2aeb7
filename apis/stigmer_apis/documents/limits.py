"""How much a description may be. What is larger is refused with these numbers, before it costs anything."""

SOURCE_BYTES = 4 * 1024 * 1024
"""One file, or standard input."""
ALL_BYTES = 16 * 1024 * 1024
"""All files of one command: what can be sent in one message."""
FILES = 10_000
"""Files of one command."""
NODES = 300_000
"""Scalars, lists and mappings of one file, each use of an alias counted in full."""
CHARACTERS = 8 * 1024 * 1024
"""Text of all of them, each use of an alias counted in full."""
DEPTH = 64
"""Lists and mappings inside each other."""
CPU_SECONDS = 1.5
"""Processor time for parsing one file."""
CPU_SECONDS_AT_MOST = 2
"""The same as the kernel enforces it, in whole seconds."""
MEMORY_BYTES = 512 * 1024 * 1024
"""Address space of the process that parses."""
WALL_SECONDS = 30.0
"""For all files; it is there for a machine that stands still, and does not decide about files."""
ANSWER_BYTES = 256 * 1024 * 1024
"""What the process that parses may say in all. Its own limits are narrower; this one holds where it does not keep them."""
