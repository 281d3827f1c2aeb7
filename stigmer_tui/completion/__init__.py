"""What can be written: files of a workspace, commands, lines from the history, found by a few of their letters. Nothing here draws."""
