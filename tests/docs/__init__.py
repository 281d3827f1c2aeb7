"""What the pages say is run. A fenced block says in its first line what it is:

- `console`: commands behind `$ `, and below each what it prints; `...` stands for anything, on a line of its own for any number of lines. A command
  without output below it is run and its output is not compared. Its exit code must be 0, or that of `exit=N`.
- `console not-run="REASON"`: commands that a test cannot run, and why; the reason is printed by the tests.
- `yaml file=NAME` (or another language): what the reader is told to write to a file; it is written.
- `text`, `json`, `yaml`, `dockerfile`: something shown, no command.
- `python`: only on the page of the library, whose own test runs it.

A page is run from its top to its end in one new workstation, in a directory with nothing but a clone's `examples` in it.
"""
