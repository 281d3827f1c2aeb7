"""The shell: runs a command line in a terminal of its own, in the sandbox.

- `state`: what carries over between lines of a session
- `output`: a terminal's bytes on their way into events
- `attention`: notices that a program waits for a person
- `terminals`: the terminals of an execution that are open, for keys, sizes and pauses
- `telling`: the events of a line
- `command_line`: the activity
"""
