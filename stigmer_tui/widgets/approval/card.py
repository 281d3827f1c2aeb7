"""The card on which a person decides about tool calls, one after the other.

It takes no key until somebody goes to it. Then it takes none for half a second, nor while somebody types, nor before the whole of what will
happen was on the screen; no answer is chosen from the start, and none is yes by default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.transcript.decisions import Asked
from stigmer_tui.widgets.approval.text import ApprovalText
from stigmer_tui.widgets.approval.words import warnings_of
from stigmer_tui.widgets.line import Line, Part
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.rows_view import RowsView

QUIET_SECONDS = 0.5
"""How long a call must have been shown, and nobody have typed, before a key counts as an answer."""
MOST_ROWS = 14
"""Rows of the text that the card shows at once; a third of the screen where that is less."""


class Answer(Enum):
    """What can be answered."""

    ONCE = "once"
    SESSION = "session"
    PREFIX = "prefix"
    DENY = "deny"
    DENY_WITH_REASON = "deny_reason"
    EDIT = "edit"


_UNSEEN = "not all of it was on the screen yet"
CONFIRM_SECONDS = 10.0
"""How long the question whether all identical calls are to be allowed stands."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a card can do where calls of several runs come together."""

    identical: Callable[[Asked], Sequence[Asked]]
    """All calls that would do exactly the same, the given one among them."""
    answer_all: Callable[[Sequence[Asked]], None]
    """Allow each of them once."""
    open: Callable[[Asked], None]
    """Show the run."""
    next: Callable[[Asked], None]
    """Go to what waits next, whatever it is."""


class ApprovalCard(Vertical):
    """Docked above the composer while something waits for a decision."""

    def __init__(
        self,
        clock: Callable[[], float],
        answer: Callable[[Asked, Answer], None],
        leave: Callable[[], None],
        page: Callable[[str], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`answer` is told what was chosen, `leave` that the person goes elsewhere, `page` to show a text in the pager."""
        super().__init__(id="approval")
        self._clock = clock
        self._answer = answer
        self._leave = leave
        self._page = page
        self._open: dict[str, Asked] = {}
        self._answered: set[int] = set()
        """Numbers of what was answered here; the run may not have heard of it yet."""
        self._current: Asked | None = None
        self._shown_at = 0.0
        self._typed_at = 0.0
        self._refused = ""
        self._writing = ""
        self._elsewhere = elsewhere
        self._all_of: tuple[Asked, ...] = ()
        """Identical calls that were named, while it is asked whether to allow them all."""
        self._all_at = 0.0
        self.came_from: Widget | None = None
        """What had the focus last, but for the card and lines that come and go."""
        self._head = Line(classes="approval-head")
        self._warning = Line(classes="approval-warning")
        self.text = ApprovalText(self._chosen)
        self._keys = Line(classes="approval-keys")
        self.display = False

    def compose(self) -> ComposeResult:
        """Who asks for what and why, what one might overlook, the text, the keys."""
        yield self._head
        yield self._warning
        yield self.text
        yield self._keys

    def on_mount(self) -> None:
        """Remember where the person comes from."""
        self.watch(self.screen, "focused", self._focus_moved)

    def _focus_moved(self, focused: Widget | None) -> None:
        if focused is not None and not isinstance(focused, PromptLine) and self not in focused.ancestors:
            self.came_from = focused

    @property
    def current(self) -> Asked | None:
        """The call that is shown."""
        return self._current

    def typed(self) -> None:
        """Somebody types elsewhere: no answer for a moment."""
        self._typed_at = self._clock()

    def writing(self, words: str) -> None:
        """What a line or an editor is open for, and how to leave it; empty where that is over."""
        self._writing = words
        self._say()

    def show(self, waiting: Mapping[str, Asked]) -> None:
        """What waits now. The call that is shown stays while it waits; where it does not, the next one is shown from its beginning."""
        self._answered &= {asked.number for asked in waiting.values()}
        self._open = {asked.key: asked for asked in waiting.values() if asked.number not in self._answered}
        if self._current is None or self._open.get(self._current.key) != self._current:
            self._turn_to(next(iter(self._open.values()), None))
        self._say()

    def turn_to(self, key: str) -> bool:
        """Show a call that waits, from its beginning. Whether it is there."""
        asked = self._open.get(key)
        if asked is None:
            return False
        self._turn_to(asked)
        self._say()
        return True

    def answered(self, asked: Asked, *, taken: bool) -> None:
        """An answer is on its way; or it was not taken, and the call waits again."""
        if taken:
            self._answered.add(asked.number)
            self._open.pop(asked.key, None)
            if self._current is not None and self._current.number == asked.number:
                self._turn_to(next(iter(self._open.values()), None))
        else:
            self._answered.discard(asked.number)
        self._say()

    def on_resize(self, event: events.Resize) -> None:
        """Room for the text."""
        self._fit()

    @on(RowsView.PlaceChanged)
    def place_changed(self) -> None:
        """More of it was seen."""
        if self._refused == _UNSEEN and self.text.all_seen:
            self._refused = ""
        self.call_after_refresh(self._say)

    def _turn_to(self, asked: Asked | None) -> None:
        had_focus = self.text.has_focus
        self._current, self._refused, self._all_of = asked, "", ()
        self._shown_at = self._clock()
        self.display = asked is not None
        if asked is None:
            if had_focus:
                self._leave()
            return
        self.text.show(asked.summary)
        self._fit()
        self.call_after_refresh(self._say)

    def _fit(self) -> None:
        if self._current is not None:
            most = max(3, min(MOST_ROWS, self.screen.size.height // 3))
            self.text.styles.height = max(1, min(most, self.text.rows_for(max(4, self.screen.size.width - 2))))

    def _say(self) -> None:
        asked = self._current
        if asked is None:
            return
        place = list(self._open).index(asked.key) + 1 if asked.key in self._open else 1
        count = f"{place} of {len(self._open)}" if len(self._open) > 1 else ""
        reason = f"  {safe(Untrusted(asked.reason))}" if asked.reason else ""
        origin = f"{safe(Untrusted(asked.origin))}: " if asked.origin else ""
        self._head.say(
            [
                ("! ", "warning"),
                (origin, "accent"),
                (f"{safe(Untrusted(asked.tool))} asks whether it may", "title"),
                (reason, "muted"),
            ],
            [(count, "warning")],
        )
        warnings = warnings_of(asked.summary)
        self._warning.display = bool(warnings)
        self._warning.say([(f"⚠ {safe(Untrusted('; '.join(warnings)))}", "warning")] if warnings else [])
        self._keys.say(self._key_words(asked), [(self._refused, "warning")])

    def _key_words(self, asked: Asked) -> Sequence[Part]:
        if self._writing:
            return [(self._writing, "accent")]
        if not self.text.has_focus:
            return [
                ("a", "accent"),
                (" or ", "muted"),
                ("f4", "accent"),
                (" decides; nothing else here takes a key", "muted"),
            ]
        if self._all_of:
            runs = len({each.execution_id for each in self._all_of})
            return [
                ("y", "accent"),
                (
                    f" allows these {len(self._all_of)} identical calls in {runs} run{'' if runs == 1 else 's'}, each once;"
                    " any other key does not",
                    "warning",
                ),
            ]
        if not self.text.all_seen:
            return [("↓", "accent"), (" shows the rest; it can be answered once all of it was on the screen", "muted")]
        prefix = safe(Untrusted(" ".join(asked.prefix)))
        offers = [("o", "once"), ("s", "session"), ("p", f"‘{prefix} …’") if prefix else ("", "")]
        offers += [("d", "deny"), ("r", "deny, why"), ("e", "edit")]
        if self._elsewhere is not None:
            same = len(self._elsewhere.identical(asked))
            offers += [("A", f"all {same} identical")] if same > 1 else []
            offers += [("enter", "run")]
        offers += [("esc", "later")]
        if asked.is_cut:
            offers = [
                ("d", "deny"),
                ("r", "deny, why"),
                ("enter", "open the run: not all of it is here"),
                ("esc", "later"),
            ]
        return [part for key, words in offers if key for part in ((key, "accent"), (f" {words}  ", "muted"))]

    def returned(self) -> None:
        """Its screen is in front again: what is typed now may have been meant for what was there before."""
        self._shown_at = max(self._shown_at, self._clock())

    def on_descendant_focus(self) -> None:
        """Somebody came to decide."""
        self._shown_at = max(self._shown_at, self._clock())
        self._say()

    def on_descendant_blur(self) -> None:
        """Somebody went."""
        self._refused = ""
        self.call_after_refresh(self._say)

    # Keys.

    def _chosen(self, what: str) -> None:
        asked, named = self._current, self._all_of
        self._all_of = ()
        if what == "leave" or asked is None:
            self._leave()
        elif what == "look":
            pass
        elif what == "all":
            self._name_all(asked)
        elif what == "confirm_all":
            self._allow_all(asked, named)
        elif what == "open":
            if self._elsewhere is not None:
                self._elsewhere.open(asked)
        elif what == "pager":
            self._page(asked.summary)
        elif what == "next":
            self._next(asked)
        else:
            self._decide(asked, Answer(what))
        self._say()

    def _next(self, asked: Asked) -> None:
        if self._elsewhere is not None:
            self._elsewhere.next(asked)
            return
        ids = list(self._open)
        if len(ids) > 1 and asked.key in ids:
            self._turn_to(self._open[ids[(ids.index(asked.key) + 1) % len(ids)]])

    def _name_all(self, asked: Asked) -> None:
        """Ask whether all identical calls are to be allowed: those that wait now, and no other."""
        same = tuple(self._elsewhere.identical(asked)) if self._elsewhere is not None else ()
        if len(same) < 2:
            self._refused = "nothing else that waits is identical"
        elif self._may(asked, Answer.ONCE):
            self._all_of, self._all_at = same, self._clock()

    def _allow_all(self, asked: Asked, named: tuple[Asked, ...]) -> None:
        """The answer to that question."""
        if not named or self._elsewhere is None:
            return
        waited = self._clock() - self._all_at
        if abs(waited) < QUIET_SECONDS:
            self._all_of, self._refused = named, "too soon: read what it says, then press again"
        elif waited > CONFIRM_SECONDS or tuple(self._elsewhere.identical(asked)) != named:
            self._refused = "what waits has changed, or it is a while ago: press A again"
        elif self._may(asked, Answer.ONCE):
            self._elsewhere.answer_all(named)

    def _decide(self, asked: Asked, answer: Answer) -> None:
        if self._may(asked, answer):
            self._answer(asked, answer)

    def _may(self, asked: Asked, answer: Answer) -> bool:
        """Whether a key counts as an answer now; if it does not, why is said."""
        now = self._clock()
        if asked.key not in self._open:
            self._refused = "it does not wait any more"
        elif abs(now - self._shown_at) < QUIET_SECONDS or abs(now - self._typed_at) < QUIET_SECONDS:
            self._refused = "too soon after it came: read it, then press again"
        elif not self.text.all_seen:
            self._refused = _UNSEEN
        elif answer is Answer.PREFIX and not asked.prefix:
            self._refused = "that is not offered here"
        elif asked.is_cut and answer not in (Answer.DENY, Answer.DENY_WITH_REASON):
            self._refused = "not all of it is here: open the run to allow it"
        else:
            self._refused = ""
        return not self._refused
