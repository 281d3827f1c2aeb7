"""How much an expression may use."""

SECONDS = 1.0
"""Of one evaluation, as the clock on the wall says."""
PATIENT_SECONDS = 60.0
"""Of one that is known to have come to its end before."""
START_SECONDS = 20.0
"""Until the process is there."""
MEMORY_BYTES = 1 << 30
"""Addresses of the process, Python's own included."""
RESULT_BYTES = 64 << 20
"""JSON of one value."""
PROGRAMS = 512
"""Compiled programs that are kept; one takes about 100 KB."""
DEPTH = 256
"""Lists and objects inside each other in a result."""
