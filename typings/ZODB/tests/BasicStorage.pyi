from collections.abc import Callable

class BasicStorage:
    test_race_external_invalidate_vs_disconnect: Callable[[], None] | None
    test_race_load_vs_external_invalidate: Callable[[], None] | None
