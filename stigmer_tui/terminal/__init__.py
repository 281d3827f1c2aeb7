"""A run's terminal: its output as rows that can be looked at, searched and copied, and the person's own terminal attached to it.

`spool`, `fullscreen`, `pen`, `line_cells`, `search`, `plain`: bytes to rows; they know no widget. `output_log` joins them. `chord`, `modes`, `replay`,
`raw_terminal`, `attach`: the person's terminal; they know neither widgets nor Textual, so that `stigmer attach` starts fast.
"""
