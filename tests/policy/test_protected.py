"""Which files of a workspace are read-only for a model's commands."""

from pathlib import Path

from stigmer_runner.policy.protected import MOST_SUBMODULES, present


def _repository(place: Path) -> None:
    (place / "hooks").mkdir(parents=True)
    for name in ("HEAD", "config"):
        (place / name).write_text("x\n")


def test_repositories_of_submodules_are_among_them(tmp_path: Path) -> None:
    modules = tmp_path / ".git/modules"
    for name in ("lib", "group/lib", "lib/modules/inner"):
        _repository(modules / name)
    (modules / "linked").symlink_to(tmp_path)
    found = {str(place.relative_to(modules)) for place in present(tmp_path)}
    names = ("lib", "group/lib", "lib/modules/inner")
    assert found == {f"{name}/{part}" for name in names for part in ("config", "hooks")}


def test_all_of_them_where_there_are_too_many(tmp_path: Path) -> None:
    modules = tmp_path / ".git/modules"
    for number in range(MOST_SUBMODULES + 1):
        _repository(modules / str(number))
    assert present(tmp_path) == (modules,)


def test_what_leads_git_to_other_settings(tmp_path: Path) -> None:
    (tmp_path / ".git/worktrees").mkdir(parents=True)
    (tmp_path / ".git/config.worktree").write_text("")
    (tmp_path / ".git/commondir").write_text("../other\n")
    names = {str(place.relative_to(tmp_path)) for place in present(tmp_path)}
    assert names == {".git/worktrees", ".git/config.worktree", ".git/commondir"}
