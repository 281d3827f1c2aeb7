"""The app's style sheet gives each node what textual's own gives it."""

from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.widget import Widget

from stigmer_tui.app import StigmerApp
from stigmer_tui.theme.sheet import Sheet
from stigmer_tui.widgets.line import Line
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock, settled
from tests.tui.test_looks_run import agent_run, opened


def _styles(app: StigmerApp) -> dict[Widget, list[str]]:
    """How each widget of the screen looks, and those of its components that are drawn."""
    return {
        widget: [
            widget.styles.css,
            *(widget.get_component_styles(name).css for name in sorted(getattr(widget, "COMPONENT_CLASSES", ()))),
        ]
        for widget in app.screen.walk_children(Widget)
    }


async def test_every_widget_looks_as_by_textuals_own(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    run = agent_run(backend, clock)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, run, "I do.")
        for theme in ("dark", "light"):
            app.theme = theme
            await settled(pilot)
            app.stylesheet.update(app.screen)
            ours = _styles(app)
            assert isinstance(app.stylesheet, Sheet)
            textuals = Stylesheet(variables=app.get_css_variables())
            textuals.source = dict(app.stylesheet.source)
            textuals.parse()
            textuals.update(app.screen)
            assert _styles(app) == ours
            assert len(ours) > 20


async def test_what_was_drawn_is_styled_anew_by_another_theme(app: StigmerApp) -> None:
    async with app.run_test() as pilot:
        line = app.screen.query(Line).first()
        seen: list[Color] = []
        for theme in ("dark", "light", "dark"):
            app.theme = theme
            await settled(pilot)
            seen.append(line.get_component_styles("line--muted").color)
        assert seen[0] == seen[2] != seen[1]
