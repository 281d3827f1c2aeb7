"""The workstation line by line."""
