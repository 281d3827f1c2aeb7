"""What happened in a run, as blocks to read: messages, tool calls, notes, how it ended.

`blocks` imports nothing of ours but text; `reading` (events to blocks) and `layout` (blocks to rows) import `blocks`; `run_state` stands beside them.
"""
