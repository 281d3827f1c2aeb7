"""The shell: runs a command line in a terminal of its own, in the sandbox.

- `state`: what carries over between lines of a session
- `output`: a terminal's bytes on their way into events
- `attention`: notices that a program waits for a person
- `terminals`: the terminals of an execution that are open, for keys, sizes and pauses
- `telling`: the events of a line
- `command_line`: the activity that runs a person's line
- `spool`, `plain_text`: a command's output as a model reads it and comes back to it
- `handles`: the commands that a model started, in the background too
- `commands`: the model's tools
- `executing`: the plain form, without a terminal
"""
