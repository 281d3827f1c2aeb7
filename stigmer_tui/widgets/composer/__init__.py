"""Where one writes. `history` and `drafts` keep what was written, over the end of the app too; `composer` is the widget; `bar` the room around it."""
