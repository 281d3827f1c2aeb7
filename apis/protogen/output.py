"""The committed output beside a fresh one: what differs, and putting the fresh one in its place."""

from pathlib import Path


def differences(fresh: Path, committed: Path) -> list[str]:
    """What would have to change in the folder `committed` for it to equal `fresh`: a line a file, sorted."""
    wanted, present = _contents(fresh), _contents(committed)
    lines = [f"missing: {name}" for name in wanted.keys() - present.keys()]
    lines += [f"left over: {name}" for name in present.keys() - wanted.keys()]
    lines += [f"stale: {name}" for name in wanted.keys() & present.keys() if wanted[name] != present[name]]
    return sorted(lines)


def install(fresh: Path, committed: Path) -> None:
    """Make `committed` equal to `fresh`, touching only what differs, each file replaced whole."""
    wanted, present = _contents(fresh), _contents(committed)
    for name, body in wanted.items():
        if present.get(name) != body:
            target = committed / name
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.tmp")
            beside.write_bytes(body)
            beside.replace(target)
    for name in present.keys() - wanted.keys():
        (committed / name).unlink()


def _contents(folder: Path) -> dict[str, bytes]:
    """Every source file and stub below `folder` by its relative name; byte code is nobody's output."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
