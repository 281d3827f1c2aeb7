class Persistent:
    _p_oid: bytes | None
    _p_serial: bytes
    _p_changed: bool | None
    def _p_deactivate(self) -> None: ...
