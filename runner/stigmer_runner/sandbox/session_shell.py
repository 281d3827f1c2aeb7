"""The line `session_shell`: an interactive shell where the lines of a session run, for a person who attaches to it.

It starts in the directory and with the exported variables that the last line left, and when it ends, the next line starts where it was
left. It is a line like any other: in the same sandbox, in a terminal of its own, recorded, listed and ended with its run.
"""

import shlex

LINE = "session_shell"
"""What the line says, whole."""

_RC = r"""
__stigmer_kept=$STIGMER_KEPT
unset STIGMER_KEPT
PS1='\w \$ '
[[ -r ~/.bashrc ]] && { . ~/.bashrc; } 2>/dev/null
__stigmer_leave() {
  local IFS=$'\n' name
  { builtin printf '%s\0' "$PWD"
    for name in $(builtin compgen -e); do [[ ${!name+x} ]] && builtin printf '%s\0' "$name=${!name}"; done
  } >"$__stigmer_kept"
}
trap __stigmer_leave EXIT
"""

_BASH = rf"""
{LINE}() {{
  local __stigmer_kept __stigmer_pair __stigmer_name __stigmer_status IFS=$'\n'
  local -A __stigmer_seen=()
  __stigmer_kept=$(mktemp "${{TMPDIR:-/tmp}}/session-shell.XXXXXX") || return
  STIGMER_KEPT=$__stigmer_kept "$BASH" --noprofile --rcfile <(builtin printf %s "$__stigmer_rc") -i
  __stigmer_status=$?
  if [[ -s $__stigmer_kept ]]; then
    {{
      IFS= read -r -d '' __stigmer_pair
      builtin cd -- "$__stigmer_pair"
      while IFS= read -r -d '' __stigmer_pair; do
        __stigmer_seen[${{__stigmer_pair%%=*}}]=1
        builtin export "$__stigmer_pair"
      done
    }} <"$__stigmer_kept" 2>/dev/null
    for __stigmer_name in $(builtin compgen -e); do
      [[ ${{__stigmer_seen[$__stigmer_name]-}} ]] || builtin unset "$__stigmer_name"
    done
  fi
  command rm -f "$__stigmer_kept"
  return $__stigmer_status
}}
__stigmer_rc={shlex.quote(_RC)}
"""

_SH = f"""
{LINE}() {{ PS1='$ ' sh -i; }}
"""


def definition(line: str, *, is_bash: bool) -> str:
    """What a shell has to read before it runs `line`: nothing, unless it is this one."""
    if line.strip() != LINE:
        return ""
    return _BASH if is_bash else _SH
