"""What works on this machine, and how to mend what does not: looked at by `stigmer doctor` and by the screen of the same name.

A check is a small function that returns findings; `examine` runs them all at once, each with a deadline. Nothing here draws or prints.
"""
