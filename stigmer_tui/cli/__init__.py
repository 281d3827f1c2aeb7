"""The command line: what the app does, for scripts and for hands that like to type.

`root` names the commands and loads each one's module when it is called. A command module holds its click command and little else; what several share is in
`connect` (a client, errors to exit codes), `stream` (an execution's output on this terminal), `tables` (rows and JSON) and `exit_codes`. Nothing here
imports Textual but `tui` and `attach`.
"""
