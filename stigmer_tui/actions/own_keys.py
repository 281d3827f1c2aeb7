"""Keys of a widget into which one writes: those of its own actions are done in order with what is typed."""

from textual import events
from textual.widget import Widget

from stigmer_tui.actions.registry import is_action


async def run_own_action(widget: Widget, event: events.Key) -> bool:
    """Where the key is bound to one of our actions of `widget`, do it; whether it was. Other keys are untouched."""
    active = widget.screen.active_bindings.get(event.key)
    if active is None or active.node is not widget or not is_action(active.binding.id):
        return False
    event.prevent_default()
    event.stop()
    await widget.run_action(active.binding.action)
    return True
