"""The workstation line by line: for screen readers, terminals that can do nothing, pipes, and the shell of an editor.

No cursor is moved, no colour is needed, nothing that was said changes. `interpreter` reads commands, `commands` knows them all; `following` tells what
happens to a run, `event_lines` puts it into words; `deciding` asks; `listening` reads what a person types, `voice` is what is heard.
"""
