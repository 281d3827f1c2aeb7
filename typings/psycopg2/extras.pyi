from collections.abc import Iterable, Sequence

from psycopg2.extensions import Value, cursor

def execute_values(
    cur: cursor,
    sql: str,
    argslist: Iterable[Sequence[Value]],
    template: str | None = ...,
    page_size: int = ...,
    fetch: bool = ...,
) -> list[tuple[Value, ...]] | None: ...
