"""Where the files of a skill are in what a command sees: there, read-only, and nothing of Stigmer's own beside them."""

from pathlib import Path

from stigmer_runner.sandbox.model import MountKind, SandboxLayout
from stigmer_runner.sandbox.mounts import FileTree


def test_a_skill_is_shown_in_a_home_that_is_hidden_in_the_workspace(tmp_path: Path) -> None:
    home = tmp_path / "person" / ".stigmer"
    folder = home / "skills" / "0123456789abcdef" / "digging"
    folder.mkdir(parents=True)
    layout = SandboxLayout(home=home, run_directory=home / "run", person_home=tmp_path, path="/usr/bin")
    planned = FileTree(layout).planned(tmp_path / "person", None, (), (folder,))
    kinds = {mount.target: mount.kind for mount in planned if mount.target.is_relative_to(tmp_path / "person")}
    assert kinds[tmp_path / "person"] is MountKind.WRITABLE
    assert kinds[home] is MountKind.HIDDEN
    assert kinds[folder] is MountKind.READ_ONLY
    order = [mount.target for mount in planned]
    assert order.index(tmp_path / "person") < order.index(home) < order.index(folder)
