"""Which actions only look: the others are not there for somebody who may change nothing. The server refuses their calls in any case."""

from stigmer_tui.actions.registry import ACTIONS, Action, Scope

_SCOPES = frozenset({Scope.COMPOSER, Scope.APPROVAL, Scope.QUEUE, Scope.FORM})
"""Places where one writes or decides."""
_VERBS = frozenset(
    {
        "all_seen",
        "attach",
        "attach_whole",
        "branch",
        "cancel",
        "compose",
        "decide",
        "decide_here",
        "delete",
        "duplicate",
    }
    | {
        "edit",
        "go_on",
        "interrupt",
        "label",
        "new",
        "pause",
        "restore",
        "resume",
        "retry",
        "run",
        "seen",
        "send",
        "signal",
        "submit",
    }
    | {"take_back", "undo", "withdraw", "agent", "workspace", "next_value", "previous_value", "unset", "file"}
)
_LOOKS = frozenset({"help.run", "command.run", "composer.leave", "approval.leave", "queue.leave"})


def changes(action: Action) -> bool:
    """Whether it changes something."""
    if action.id in _LOOKS:
        return False
    return action.scope in _SCOPES or action.id.partition(".")[2] in _VERBS


WITHOUT_CHANGES: dict[str, tuple[str, ...]] = {action.id: () for action in ACTIONS if changes(action)}
"""A keymap in which nothing that changes has a key."""
