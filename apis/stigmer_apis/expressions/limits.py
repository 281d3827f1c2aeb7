"""How much an expression may use."""

SECONDS = 2.0
"""Of processor time for one evaluation: a machine that is busy with other things changes nothing about it."""
PATIENT_SECONDS = 60.0
"""The same for one that is known to have come to its end before."""
WALL_FACTOR = 15.0
"""How much longer it may take as the clock on the wall says."""
START_SECONDS = 4.0
"""Until the process is there, likewise."""
MEMORY_BYTES = 1 << 30
"""Addresses of the process, Python's own included."""
RESULT_BYTES = 64 << 20
"""JSON of one value."""
PROGRAMS = 512
"""Compiled programs that are kept; one takes about 100 KB."""
DEPTH = 256
"""Lists and objects inside each other in a result."""
