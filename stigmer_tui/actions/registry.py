"""Every action, and where it is found by its id, which is stable and by which it is remapped."""

from collections.abc import Iterable

from stigmer_tui.actions.action import RESERVED_KEYS, Action, Scope
from stigmer_tui.actions.catalogue import (
    app,
    approval,
    board,
    command,
    composer,
    doctor,
    editing,
    help,
    history,
    library,
    logs,
    plots,
    pushing,
    run,
    settings,
    terminal,
    time,
    workflow,
)

__all__ = ["ACTIONS", "RESERVED_KEYS", "Action", "Scope", "action_of", "actions_of", "is_action"]

ACTIONS: tuple[Action, ...] = (
    *app.ACTIONS,
    *board.ACTIONS,
    *run.ACTIONS,
    *terminal.ACTIONS,
    *time.ACTIONS,
    *approval.ACTIONS,
    *composer.ACTIONS,
    *command.ACTIONS,
    *library.ACTIONS,
    *history.ACTIONS,
    *pushing.ACTIONS,
    *workflow.ACTIONS,
    *logs.ACTIONS,
    *plots.ACTIONS,
    *doctor.ACTIONS,
    *settings.ACTIONS,
    *editing.ACTIONS,
    *help.ACTIONS,
)
"""In the order of the help."""

_BY_ID = {action.id: action for action in ACTIONS}


def action_of(action_id: str) -> Action:
    """The action with this id. KeyError where there is none."""
    return _BY_ID[action_id]


def is_action(action_id: str | None) -> bool:
    """Whether this is an action's id."""
    return action_id in _BY_ID


def actions_of(scope: Scope) -> Iterable[Action]:
    """The actions of a scope, in order."""
    return (action for action in ACTIONS if action.scope is scope)
