"""Files that runs made and that are kept for the person: their bytes by hash below the home's data, a record of each in the store.

`files` keeps bytes and knows nothing of executions; `records` is what the store knows; `keeping` puts both together, within limits.
`records` imports nothing of the others, so that a delete can take records along in its transaction.
"""
