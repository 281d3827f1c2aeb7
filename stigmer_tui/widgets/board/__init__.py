"""The list of runs. `window` holds the rows that were fetched, `columns` says what a width has room for, `table` draws and moves; `query` reads filters."""
