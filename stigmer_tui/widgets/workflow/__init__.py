"""What shows a workflow: its tasks, one of them whole, and where one writes what is sent to it."""
