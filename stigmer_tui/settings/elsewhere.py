"""What is chosen where it is seen, and kept in files of its own: it stands among the settings, so that nobody looks for it in vain."""

from pathlib import Path

from stigmer_tui.screens.run_layout import WORDS, Arrangement, Layout
from stigmer_tui.settings.entries import Entry, Way

SECTION = "arrangement"


def kept_elsewhere(columns: tuple[str, ...], usual: tuple[str, ...], layout: Path) -> list[Entry]:
    """Rows for the columns of the list of runs and the panes of a run. Blocking: a small file is read.

    `columns`: those that are shown; `usual`: those that would be, had nobody chosen. `layout`: the file of the panes.
    """
    panes = Layout(layout).arrangement
    return [
        Entry(
            key="board.columns",
            section=SECTION,
            name="columns",
            value=", ".join(columns),
            origin="this view" if columns != usual else "default",
            changed=columns != usual,
            about="What the list of runs shows of each. Enter goes there and asks; `w` there keeps it as a view.",
            may_be="some of the columns, in any order",
            unless=", ".join(usual),
            way=Way.COLUMNS,
        ),
        Entry(
            key="run.panes",
            section=SECTION,
            name="panes",
            value=panes.value,
            written=panes.value,
            origin=layout.name if layout.exists() else "default",
            changed=panes is not Arrangement.BESIDE,
            about=f"Where a run's output stands. {WORDS[panes]}",
            may_be=", ".join(each.value for each in Arrangement),
            unless=Arrangement.BESIDE.value,
            counts="It counts for runs that are opened from now on; `w` in a run changes that one too.",
            way=Way.PANES,
            choices=tuple(each.value for each in Arrangement),
        ),
    ]
