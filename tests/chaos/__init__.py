"""Proofs: what happens when processes are killed, disks fill up and syncs fail, for the whole product from the outside.

Reduced counts by default, full ones with STIGMER_CAMPAIGN=1. With STIGMER_FIGURES=FILE each proof appends what it found to FILE, a JSON object a line;
`python -m tests.chaos.report FILE` dates these into docs/reliability.md.
"""
