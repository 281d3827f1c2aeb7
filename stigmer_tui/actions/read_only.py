"""Which actions only look: the others are not there for somebody who may change nothing. The server refuses their calls in any case.

What is not named here as looking counts as a change: a new action is refused until somebody says that it only looks.
"""

from stigmer_tui.actions.registry import ACTIONS, Action, Scope


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


REFUSED = "This workstation only looks on: it was started with --read-only."
_WRITING = frozenset({Scope.COMPOSER, Scope.APPROVAL, Scope.QUEUE, Scope.FORM, Scope.PUSHING, Scope.EDITING})
"""Places where one writes or decides: all that one does there without a change is to leave."""
_MOVING = _words(
    "up down left right page_up page_down first last newest oldest start less more choose close leave quit open back forward"
    " next previous next_error previous_error next_call previous_call next_approval previous_approval next_message previous_message"
    " next_match previous_match next_live previous_live next_mark next_kind previous_kind next_page earlier later parent child"
    " attention again longer shorter slower faster play skip_idle jump board library logs settings other_place tab_new tab_next"
    " tab_previous tab_close"
)
_SHOWING = _words(
    "filter unfilter clear_filter clear_search search search_regex search_case context narrow changed sort group columns views"
    " mark mark_range mark_all fold fold_all pane zoom arrange split follow menu time wrap read numbers compare history graph output"
    " as_written refresh redraw theme themes palette help command leader suspend how_to_leave"
)
_TAKING_ALONG = _words("copy copy_all copy_id copy_line copy_block copy_markdown select save pager export to_composer")
"""To the clipboard, a pager, a file of one's own."""
_IN_LISTS = _words("take toggle forget accept abandon complete")
"""In a list of choices, a filter line, the command line: what these lead to is looked at by itself."""
_LOOKS = frozenset({"help.run", "command.run", *(f"app.tab_{number}" for number in range(1, 10))})
_VERBS = _MOVING | _SHOWING | _TAKING_ALONG | _IN_LISTS


def changes(action: Action) -> bool:
    """Whether it changes something."""
    verb = action.id.partition(".")[2]
    if action.scope in _WRITING:
        return verb != "leave"
    return action.id not in _LOOKS and verb not in _VERBS


WITHOUT_CHANGES: dict[str, tuple[str, ...]] = {action.id: () for action in ACTIONS if changes(action)}
"""A keymap in which nothing that changes has a key."""
