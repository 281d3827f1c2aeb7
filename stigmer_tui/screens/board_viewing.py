"""How the board is looked at: order, groups, columns and saved views, each chosen from a short list."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from stigmer_tui.screens.choosing import Choice, ChoiceScreen, Chosen, Verb
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.board.columns import COLUMNS
from stigmer_tui.widgets.board.view import GROUPS, LABEL, LONGEST_NAME, SORTS, View, Views, with_sort
from stigmer_tui.widgets.prompt_line import PromptLine

_NONE, _LABEL, _SAVE = "", "\0label", "\0save"
FILE = "views.json"


class Viewing:
    """Holds the view, and tells when it is another one."""

    def __init__(self, workstation: Workstation, show: Callable[[View], None], back: Callable[[], None]) -> None:
        """`show` shows a view; `back` puts the focus where the person was."""
        self._workstation = workstation
        self._show = show
        self._back = back
        self._views = Views(workstation.home.root / FILE)
        self.view = View()
        self.filter_line = PromptLine(
            "filter: words, phase:failed, agent:NAME, label:NAME=VALUE, needs:me, is:new",
            self._filter_left,
            id="filter",
        )
        self.label_line = PromptLine("label whose values make the groups", self._label_left, id="group-label")
        self.name_line = PromptLine(
            "name of this view: filter, groups, order and columns are kept", self._name_left, id="view-name"
        )

    def names(self) -> list[str]:
        """Names of all views."""
        return self._views.names()

    def show_view(self, name: str) -> bool:
        """Look at the runs as a saved view does. False where there is none of this name."""
        view = self._views.get(name)
        if view is None:
            self._workstation.say(
                f"There is no view ‘{safe(Untrusted(name))}’. There are: {', '.join(map(_shown, self.names()))}.",
                wrong=True,
            )
            return False
        self.change(view)
        return True

    def change(self, view: View) -> None:
        """Look at the runs in another way."""
        if view != self.view:
            if view.filter != self.view.filter and self.filter_line.value != view.filter:
                self.filter_line.value = view.filter
            self.filter_line.display = bool(view.filter) or self.filter_line.has_focus
            self.view = view
            self._show(view)

    def filter_by(self, text: str) -> None:
        """Show only what a filter lets through."""
        self.change(replace(self.view, filter=text))

    def clear_filter(self) -> None:
        """Show all runs."""
        self.filter_by("")
        self.filter_line.value = ""
        self.filter_line.display = False
        self._back()

    def sort_by(self, sort: str) -> None:
        """Another order; the newest again is the oldest first."""
        self.change(with_sort(self.view, sort))

    def _filter_left(self, accepted: bool) -> None:
        if accepted and self.filter_line.value.strip():
            self.filter_by(self.filter_line.value)
            self._back()
        else:
            self.clear_filter()

    def choose_sort(self) -> None:
        """Ask what comes first."""
        choices = [Choice(name, name, words, on=name == self.view.sort) for name, (_, words) in SORTS.items()]
        self._ask("What comes first", choices, lambda keys: self.change(replace(self.view, sort=keys[0])))

    def choose_group(self) -> None:
        """Ask by what runs are put together."""
        choices = [Choice(_NONE, "no groups", "every run by itself", on=not self.view.group)]
        choices += [
            Choice(name, name, f"the runs of each {name} together", on=name == self.view.group) for name in GROUPS
        ]
        label = self.view.label
        choices.append(
            Choice(
                _LABEL, "label …", f"by ‘{_shown(label)}’ now" if label else "by the value of a label", on=bool(label)
            )
        )
        self._ask("Groups", choices, lambda keys: self._group(keys[0]))

    def choose_columns(self) -> None:
        """Ask which columns are shown, and in which order."""
        shown = [*self.view.columns, *(name for name in COLUMNS if name not in self.view.columns)]
        choices = [Choice(name, COLUMNS[name].head, COLUMNS[name].help, on=name in self.view.columns) for name in shown]
        self._ask("Columns, from left to right", choices, self._take_columns, several=True)

    def choose_view(self) -> None:
        """Ask for a saved view, or for a name for this one."""
        own = self._views.own
        choices: list[Choice] = []
        for name in self.names():
            view = self._views.get(name)
            if view is not None:
                choices.append(Choice(name, _shown(name), words_of(view), on=view == self.view, own=name in own))
        choices.append(Choice(_SAVE, "save this one …", words_of(self.view)))
        self._workstation.push_screen(ChoiceScreen("Views", choices), self._view_chosen)

    def _ask(
        self, title: str, choices: Sequence[Choice], take: Callable[[tuple[str, ...]], None], *, several: bool = False
    ) -> None:
        def chosen(answer: Chosen | None) -> None:
            if answer is not None:
                take(answer.keys)

        self._workstation.push_screen(ChoiceScreen(title, choices, several=several), chosen)

    def _take_columns(self, keys: tuple[str, ...]) -> None:
        if keys:
            self.change(replace(self.view, columns=keys))

    def _group(self, key: str) -> None:
        if key == _LABEL:
            self.label_line.value = self.view.label
            self._write_into(self.label_line)
        else:
            self.change(replace(self.view, group=key))

    def _label_left(self, accepted: bool) -> None:
        name = self.label_line.value.strip()
        self.label_line.display = False
        if accepted and name:
            self.change(replace(self.view, group=f"{LABEL}{name}"))
        self._back()

    def _view_chosen(self, answer: Chosen | None) -> None:
        if answer is None:
            return
        name = answer.keys[0]
        if answer.verb is Verb.FORGET:
            self._keep(name, None)
        elif name == _SAVE:
            self.name_line.value = ""
            self._write_into(self.name_line)
        else:
            self.show_view(name)

    def _name_left(self, accepted: bool) -> None:
        name = " ".join(self.name_line.value.split())[:LONGEST_NAME]
        self.name_line.display = False
        if accepted and name:
            self._keep(name, self.view)
        self._back()

    def _keep(self, name: str, view: View | None) -> None:
        try:
            self._views.put(name, view)
        except (OSError, ValueError) as error:
            self._workstation.say(f"The view could not be kept: {error}", wrong=True)
        else:
            words = "is kept: w shows it again" if view is not None else "is forgotten"
            self._workstation.say(f"The view ‘{_shown(name)}’ {words}.")

    def _write_into(self, line: PromptLine) -> None:
        line.display = True
        line.screen.set_focus(line)


def words_of(view: View) -> str:
    """A view in some words."""
    parts = [f"‘{_shown(view.filter)}’" if view.filter else "all runs"]
    if view.group:
        parts.append(f"by {_shown(view.group)}")
    parts.append(f"{view.sort} first" if view.sort in ("newest", "oldest") else f"by {view.sort}")
    return ", ".join(parts)


def _shown(text: str) -> str:
    return safe(Untrusted(text))
