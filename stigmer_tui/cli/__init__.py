"""The command line: what the app does, for scripts and for hands that like to type.

`root` names the commands and loads each one's module when it is called. A command module holds its click command and little else; what several share is in
`connect` (a client, errors to exit codes), `stream` (an execution's output on this terminal), `tables` (rows and JSON) and `exit_codes`. Commands about
resources share `naming` (kinds, names, how a shell completes them), `listing` and `columns` (what `get` shows), `printing` (the forms of `-o`), `sources`
and `refused` (files, and what is wrong in them), and `nouns` (the forms by the noun). Nothing here imports Textual but `tui`, `attach` and `demo`.
"""
