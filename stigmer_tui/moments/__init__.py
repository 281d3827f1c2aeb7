"""Any moment of a run: what stood on its terminals, what was known, and where something of note happened.

`timeline` follows a run's events and keeps what a jump needs: times, markers, keyframes, the events themselves but for output; `records` is the file for
them; `past` goes to a moment; `playing` is the clock of playing again. Nothing here draws.
"""
