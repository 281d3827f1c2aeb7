"""A terminal's screen, computed from the bytes that a program prints. Pure: it draws nothing and knows no widget.

`Emulator` is the whole of it; `row` holds the cells, `grid` the screen and what is done to it, `controls` what each control sequence does,
`tokens` how bytes become sequences, `keyframe` the screen as bytes, `keys` and `mouse` what a person's keys and mouse are to a program.
"""

from stigmer_tui.emulator.emulator import Emulator
from stigmer_tui.emulator.grid import Modes, MouseReports
from stigmer_tui.emulator.row import Run

__all__ = ["Emulator", "Modes", "MouseReports", "Run"]
