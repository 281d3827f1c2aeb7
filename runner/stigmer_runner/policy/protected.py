"""Files of a workspace that run by themselves, or instruct whoever comes next: changing them is always a person's decision."""

import os
import stat
import unicodedata
from pathlib import Path, PurePosixPath

DIRECTORIES = (".git/hooks", ".vscode", ".idea", ".husky", ".devcontainer", ".github/workflows", ".stigmer")
"""Everything in them; `.git/hooks` and `.github/workflows` with both names in a row."""

FILES = frozenset(
    {
        ".envrc",
        "agents.md",
        "claude.md",
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".zlogin",
        ".inputrc",
        ".gitconfig",
        ".gitmodules",
        ".exrc",
        ".vimrc",
        ".nvimrc",
        ".editorconfig",
        ".mcp.json",
        ".pre-commit-config.yaml",
        ".ripgreprc",
        ".npmrc",
        ".pypirc",
        ".netrc",
        "sitecustomize.py",
        "usercustomize.py",
    }
)
"""By name, wherever they stand, whatever their case."""

IN_GIT = frozenset({"config", "config.worktree", "hooks", "info", "modules", "worktrees", "commondir", "gitdir"})
"""In a `.git`: what names programs, or leads to another repository. A `.git` that is a file does that too."""

MOUNTED = (
    ".git/hooks",
    ".git/config",
    ".git/info",
    ".git/config.worktree",
    ".git/commondir",
    ".git/worktrees",
    ".vscode",
    ".idea",
    ".husky",
    ".devcontainer",
    ".github/workflows",
    *(name for name in sorted(FILES) if name not in ("agents.md", "claude.md")),
    "AGENTS.md",
    "CLAUDE.md",
)
"""What is read-only for a model's commands where it is there, at the top of the workspace."""

IN_SUBMODULE = ("config", "config.worktree", "commondir", "hooks", "info")
"""The same in the repository of each submodule, below `.git/modules`."""

MOST_SUBMODULES = 50
"""Where there are more, all of `.git/modules` is read-only: each name is a mount of its own."""


def is_protected(path: str) -> bool:
    """Whether `path`, below the workspace, is one of them. Names that a file system might take for one count too."""
    parts = tuple(_folded(part) for part in PurePosixPath(path).parts)
    if not parts:
        return False
    if any(part in FILES for part in parts):
        return True
    for start, part in enumerate(parts):
        rest = parts[start + 1 :]
        if part == ".git" and (not rest or rest[0] in IN_GIT):
            return True
        if part in (".vscode", ".idea", ".husky", ".devcontainer", ".stigmer"):
            return True
        if part == ".github" and rest[:1] == ("workflows",):
            return True
    return False


def present(workspace: Path) -> tuple[Path, ...]:
    """What of `MOUNTED` is there. Links are left out: what they lead to is what it is. Asked before and after each command."""
    root = str(workspace)
    names = [*MOUNTED, *_in_submodules(workspace, root)]
    found = [workspace / name for name in names if _kind(root, name) in (stat.S_IFREG, stat.S_IFDIR)]
    return (*found, workspace / ".git") if _kind(root, ".git") == stat.S_IFREG else tuple(found)


def _kind(root: str, name: str) -> int:
    """What kind of file it is, no link on the way; 0 where there is none."""
    place, mode = root, 0
    for part in name.split("/"):
        place = f"{place}/{part}"
        try:
            mode = stat.S_IFMT(os.lstat(place).st_mode)
        except OSError:
            return 0
        if mode == stat.S_IFLNK:
            return 0
    return mode


def _in_submodules(workspace: Path, root: str) -> tuple[str, ...]:
    """Below the workspace: what may be protected in the repositories of submodules, which have names with slashes and submodules of their own.

    All of `.git/modules` where there are too many, or they cannot be looked at.
    """
    if not os.path.lexists(f"{root}/.git/modules"):
        return ()
    modules = workspace / ".git" / "modules"
    repositories: list[Path] = []
    directories = [modules]
    looked_at = 0
    while directories:
        directory = directories.pop()
        looked_at += 1
        if len(repositories) > MOST_SUBMODULES or looked_at > 10 * MOST_SUBMODULES:
            return (".git/modules",)
        if (directory / "HEAD").exists():
            repositories.append(directory)
            directories.append(directory / "modules")
        elif directory.is_dir() and not directory.is_symlink():
            try:
                directories += [each for each in directory.iterdir() if each.is_dir() and not each.is_symlink()]
            except OSError:
                return (".git/modules",)
    return tuple(f"{repository.relative_to(workspace)}/{name}" for repository in repositories for name in IN_SUBMODULE)


def _folded(part: str) -> str:
    """As a file system that ignores case, normal forms, trailing dots and invisible characters sees a name."""
    visible = "".join(each for each in unicodedata.normalize("NFKC", part) if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", visible.casefold()).rstrip(". ")
    short = folded.partition("~")[0]
    return ".git" if folded in ("git~1", ".git~1") or (short == "git" and "~" in folded) else folded.partition(":")[0]
