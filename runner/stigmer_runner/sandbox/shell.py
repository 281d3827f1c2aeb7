"""The scripts around a line: they start it where the last one ended and report where this one did.

A supervisor (`sh`) leads the terminal's session and runs the shell; the shell reads a prologue from a file descriptor,
which restores the state and holds the line itself (so that a line may be megabytes long, and stands in no list of
processes), runs the line by `eval`, and reports directory, exported variables and status on a pipe.

What arrives on the pipe is written by the command: it is read as untrusted by `report.py`. Nothing of the state that a
line left is in the environment of a program outside the walls: an exported `LD_PRELOAD` reaches the shell alone.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_runner.sandbox import session_shell
from stigmer_runner.sandbox.environment import can_carry
from stigmer_runner.sandbox.model import CommandLimits, ShellState

STATE = "STIGMER-STATE"
"""Opens a report: then cause, status, directory, and `NAME=VALUE` for each exported variable."""
DECLARED = "STIGMER-DECLARED"
"""In place of those: bash says them itself, as it would read them again (`export -p`), which takes no process."""
END = "STIGMER-END"
"""Closes it."""
UP = "STIGMER-UP"
"""Said by the supervisor when it runs, which is when the sandbox stands."""
LINE = "__stigmer_line"
"""The variable that holds the line, in the arguments of every shell that runs one."""
LEFT = "STIGMER-LEFT"
"""Said by the supervisor when processes outlived the shell and its grace."""

SUPERVISOR = rf"""
trap : INT QUIT TERM HUP USR1 USR2 ALRM
fd=$1 all=$2
shift 2
printf '\000{UP}\000' >"/dev/fd/$fd"
exec 9>&2 2>/dev/null
(exec "$@" 2>&9 9>&-)
status=$?
left() {{
  count=0 orphans=
  if [ "$all" = 0 ]; then
    if [ -r "/proc/$PPID/task/$PPID/children" ]; then
      read -r orphans <"/proc/$PPID/task/$PPID/children"
      for process in $orphans; do
        read -r stat <"/proc/$process/stat" || continue
        set -- ${{stat##*) }}
        [ "$4" != $$ ] || [ "$process" = $$ ] || [ "$1" = Z ] || [ "$1" = X ] || count=$((count + 1))
      done
    else
      set -- $(grep -ls "^[0-9]* (.*) [^ZX] [0-9]* [0-9]* $$ " /proc/[0-9]*/stat)
      count=$(($# - 2))
    fi
  else
    [ ! -r /proc/1/task/1/children ] || read -r orphans </proc/1/task/1/children
    [ "$orphans" != $$ ] || return 1
    for process in /proc/[0-9]*; do
      process=${{process#/proc/}}
      [ "$process" -gt $$ ] || continue
      read -r stat <"/proc/$process/stat" || continue
      set -- ${{stat##*) }}
      [ "$1" = Z ] || [ "$1" = X ] || count=$((count + 1))
    done
  fi
  [ $count -gt 0 ]
}}
tries=0
while left && [ $tries -lt 10 ]; do
  sleep 0.02
  tries=$((tries + 1))
done
[ $count -gt 0 ] && printf '\000{LEFT}\000' >"/dev/fd/$fd"
exit $status
"""
"""Arguments: the report's descriptor, 1 to count every process and 0 for those of the session, the shell and its arguments.

It survives the signals of a ^C, leads the session so that the end of the shell is no hang-up for what still drains (a
`tee` behind a process substitution), and gives that 0.2 s. What outlived the shell became a child of the first process of the
namespace, or of the runner's main thread (see `marks.become_subreaper`): the kernel's list of those saves a look at everybody. Where
there is no such list, of a whole machine's processes `grep` finds those of the session, itself and the supervisor among them.
"""

LAUNCHER = rf"""
printf '\000{UP}\000' >"/dev/fd/$1" || exit 125
[ -z "$2" ] || cd "$2" || exit 125
shift 2
exec "$@"
"""
"""For what runs without a terminal. Arguments: the report's descriptor, a directory or nothing, the program and its own."""

_BASH_PROLOGUE = """
__stigmer_save() {{
  [[ $BASHPID == $$ && -p /dev/fd/{report} ]] || return 0
  builtin trap - DEBUG ERR RETURN
  builtin trap '' PIPE
  builtin set +euxv
  {{
    builtin printf '\\0{state}\\0%s\\0%s\\0%s\\0{declared}\\0' "$1" "$2" "$PWD"
    builtin export -p
    builtin printf '\\0{end}\\0'
  }} >&{report}
}}
__stigmer_end() {{ __stigmer_save end "$1"; __stigmer_done=1; return "$1"; }}
__stigmer_trap() {{ [[ ${{__stigmer_done-}} ]] || __stigmer_save trap "$1"; }}
__stigmer_exit() {{
  __stigmer_status=$1
  builtin shift
  [[ $BASHPID == $$ ]] || return 0
  __stigmer_save exit "${{1-$__stigmer_status}}"
  __stigmer_done=1
}}
exit() {{ {{ __stigmer_exit "$?" "$@"; }} >/dev/null 2>&1; builtin exit "${{@-$__stigmer_status}}"; }}
builtin trap '{{ __stigmer_trap $?; }} >/dev/null 2>&1' EXIT
"""

_SH_PROLOGUE = """
__stigmer_save() {{
  [ -p /dev/fd/{report} ] || return 0
  trap '' PIPE
  set +eux
  {{
    printf '\\000{state}\\000%s\\000%s\\000%s\\000' "$1" "$2" "$PWD"
    command env -0
    printf '\\000{end}\\000'
  }} >/dev/fd/{report}
}}
__stigmer_end() {{ __stigmer_save end "$1"; __stigmer_done=1; return "$1"; }}
__stigmer_trap() {{ [ "${{__stigmer_done-}}" ] || __stigmer_save trap "$1"; }}
trap '{{ __stigmer_trap $?; }} >/dev/null 2>&1' EXIT
"""

_MAIN = f'. /dev/fd/{{prologue}}; {{close}}eval "${LINE}"; {{{{ __stigmer_end $?; }}}} >/dev/null 2>&1'

_PLAIN_MAIN = f'. /dev/fd/{{prologue}}; {{close}}eval "${LINE}"'

_CLOSE = "exec {prologue}<&-; "
"""bash reads the whole file before it runs it; sh reads on while it runs, and knows no such numbers."""


@dataclass(frozen=True)
class Shell:
    """A shell on this machine."""

    path: str
    is_bash: bool

    def arguments(self, prologue: int, *, plain: bool = False) -> list[str]:
        """The shell and its arguments, for a prologue at that descriptor."""
        options = ["--norc", "--noprofile"] if self.is_bash else []
        close = _CLOSE.format(prologue=prologue) if self.is_bash else ""
        main = (_PLAIN_MAIN if plain else _MAIN).format(prologue=prologue, close=close)
        return [self.path, *options, "-c", main, "bash" if self.is_bash else "sh"]

    def prologue(
        self,
        line: str,
        state: ShellState,
        workspace: str,
        *,
        report: int,
        ink: int | None,
        limits: CommandLimits | None = None,
    ) -> bytes:
        """What the shell reads first. Surrogates in `line` and `state` become the bytes that they stand for."""
        template = _BASH_PROLOGUE if self.is_bash else _SH_PROLOGUE
        parts = [
            self._marked(ink),
            self._limited(limits),
            template.format(report=report, state=STATE, declared=DECLARED, end=END),
            _enter(state.directory, workspace),
            _restore(state),
            session_shell.definition(line, is_bash=self.is_bash),
            f"{LINE}={shlex.quote(line)}\n",
        ]
        return _encoded("".join(parts))

    def plain_prologue(self, line: str, *, ink: int | None, limits: CommandLimits | None = None) -> bytes:
        """The same for a line without a terminal, whose state nobody asks for."""
        return _encoded(f"{self._marked(ink)}{self._limited(limits)}{LINE}={shlex.quote(line)}\n")

    def _limited(self, limits: CommandLimits | None) -> str:
        """Limits that the kernel keeps for a process and what it starts; hard ones, which it cannot raise again."""
        if limits is None:
            return ""
        block = 1024 if self.is_bash else 512
        wanted = [
            f"ulimit {option} {value}"
            for option, value in (
                ("-c", 0),
                ("-f", limits.file_size // block),
                ("-n", limits.open_files),
                ("-u", limits.processes),
            )
            if value or option == "-c"
        ]
        return "".join(f"{{ {each}; }} 2>/dev/null\n" for each in wanted)

    def _marked(self, ink: int | None) -> str:
        return f"{{ ulimit -S -q {ink}; }} 2>/dev/null\n" if ink is not None and self.is_bash else ""


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _enter(directory: str, workspace: str) -> str:
    if directory == workspace:
        return ""
    shown = "".join(character if character.isprintable() else "?" for character in directory)
    notice = shlex.quote(f"stigmer: {shown} is not there any more; starting in {workspace}")
    return f"cd {shlex.quote(directory)} 2>/dev/null || printf '%s\\n' {notice} >&2\nunset OLDPWD\n"


def _restore(state: ShellState) -> str:
    variables: Mapping[str, str] = {name: value for name, value in state.variables.items() if can_carry(name, value)}
    last = [name for name in ("POSIXLY_CORRECT",) if name in variables]
    names = [name for name in variables if name not in last] + last
    lines = [f"unset {name}" for name in state.removed if can_carry(name, "")]
    lines += [f"export {name}={shlex.quote(variables[name])}" for name in names]
    return "{\n" + "\n".join(lines) + "\n} 2>/dev/null\n" if lines else ""
