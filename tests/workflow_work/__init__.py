"""What the tasks of workflows do."""
