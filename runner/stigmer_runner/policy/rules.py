"""A policy's answer to a call: rules in order, the first that fits decides; where none fits, the preset."""

import re
from collections.abc import Mapping, Sequence

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.policy.commands import ParsedLine, SimpleCommand
from stigmer_runner.policy.decision import Decision, Verdict, worst
from stigmer_runner.policy.hosts import fits, host_of, split_port
from stigmer_runner.policy.patterns import name_fits, path_fits
from stigmer_runner.policy.protected import is_protected
from stigmer_runner.policy.subject import Subject
from stigmer_runner.policy.wrappers import unwrapped
from stigmer_runner.tools.interface import Effect

PRESETS = ("read-only", "ask", "auto")
DEFAULT_PRESET = "ask"

HARMLESS = frozenset(
    [
        "OLDPWD",
        "PS1",
        "PS2",
        "TERM",
        "COLORTERM",
        "COLUMNS",
        "LINES",
        "TZ",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "CI",
        "RUST_BACKTRACE",
        "VIRTUAL_ENV_PROMPT",
    ]
)
"""Exported variables of earlier commands that change what no program runs; with any other, no prefix allows anything."""

_DECISIONS = {
    Policy.DECISION_ALLOW: Decision.ALLOW,
    Policy.DECISION_ASK: Decision.ASK,
    Policy.DECISION_DENY: Decision.DENY,
}


def decide(
    tool: str, effect: Effect, subject: Subject, policy: Policy, *, walls: bool, environment: Mapping[str, str]
) -> Verdict:
    """What `policy` says about a call of `tool`. `environment`: exported variables of earlier commands."""
    preset, remark = preset_of(policy, walls=walls)
    rules = _Rules(tool, policy.rules)
    if subject.parsed is not None:
        fallback = _preset(preset, effect, remark, "run")
        verdict = _commands(rules, subject, fallback, environment)
    elif subject.hosts:
        verdict = worst([_host(rules, policy.network, host, preset, remark) for host in subject.hosts])
    elif subject.reads or subject.writes:
        reads = [_path(rules, path, _preset(preset, Effect.READ, remark, "read")) for path in subject.reads]
        writes = [_write(rules, path, preset, effect, remark) for path in subject.writes]
        verdict = worst([*reads, *writes])
    else:
        verdict = rules.plain() or _preset(preset, effect, remark, "call")
    return verdict


def preset_of(policy: Policy, *, walls: bool) -> tuple[str, str]:
    """The preset that counts, and why it is another than the policy names."""
    if not policy.preset:
        return DEFAULT_PRESET, ""
    if policy.preset not in PRESETS:
        return DEFAULT_PRESET, f"the policy names the preset {policy.preset!r}, which there is not"
    if policy.preset == "auto" and not walls:
        return DEFAULT_PRESET, "the policy is `auto`, which counts only behind whole walls, and this machine has none"
    return policy.preset, ""


class _Rules:
    """The rules that are about one tool."""

    def __init__(self, tool: str, rules: Sequence[Policy.Rule]) -> None:
        self.tool = tool
        self.rules = [
            (number, rule)
            for number, rule in enumerate(rules, 1)
            if name_fits(rule.tool, tool) and rule.decision in _DECISIONS
        ]

    def plain(self) -> Verdict | None:
        """The first rule that asks for nothing but the tool."""
        for number, rule in self.rules:
            if not (rule.command_prefix or rule.path or rule.host):
                return self.verdict(number, rule)
        return None

    def verdict(self, number: int, rule: Policy.Rule) -> Verdict:
        """What that rule says."""
        about = " ".join(
            part
            for part in (
                f"`{rule.tool}`" if rule.tool else "",
                f"commands that begin with `{' '.join(rule.command_prefix)}`" if rule.command_prefix else "",
                f"the path `{rule.path}`" if rule.path else "",
                f"the host `{rule.host}`" if rule.host else "",
            )
            if part
        )
        verb = _DECISIONS[rule.decision].value
        return Verdict(_DECISIONS[rule.decision], f"rule {number} of the policy: {verb} {about or 'everything'}")


def _commands(rules: _Rules, subject: Subject, fallback: Verdict, environment: Mapping[str, str]) -> Verdict:
    parsed = subject.parsed
    assert parsed is not None
    verdicts = [_command(rules, command, fallback, environment) for command in parsed.commands]
    if not parsed.understood or not verdicts:
        verdicts.append(_not_understood(rules, parsed, fallback))
    verdict = worst(verdicts)
    if verdict.decision is Decision.ALLOW and (named := _mentioned(rules, subject.line)) is not None:
        return named
    return verdict


def _command(rules: _Rules, command: SimpleCommand, fallback: Verdict, environment: Mapping[str, str]) -> Verdict:
    known = command.known
    dynamic = len(known) < len(command.words)
    for number, rule in rules.rules:
        if rule.path or rule.host:
            continue
        prefix = tuple(rule.command_prefix)
        if not prefix:
            return rules.verdict(number, rule)
        if rule.decision == Policy.DECISION_ALLOW:
            if known[: len(prefix)] == prefix:
                verdict = rules.verdict(number, rule)
                return _in_environment(verdict, environment)
        elif any(inner[: len(prefix)] == prefix for inner in unwrapped(command)):
            return rules.verdict(number, rule)
        elif dynamic and len(known) < len(prefix) and prefix[: len(known)] == known:
            return Verdict(
                Decision.ASK, f"the command is known no sooner than it runs, and {rules.verdict(number, rule).reason}"
            )
    return fallback


def _in_environment(verdict: Verdict, environment: Mapping[str, str]) -> Verdict:
    changed = sorted(
        name for name in environment if name not in HARMLESS and not name.startswith("LC_") and name != "LANG"
    )
    if not changed:
        return verdict
    return Verdict(
        Decision.ASK,
        f"{verdict.reason}; but an earlier command changed the variable {changed[0]}, which may change what the command is",
    )


def _not_understood(rules: _Rules, parsed: ParsedLine, fallback: Verdict) -> Verdict:
    """A line of which not everything is known is allowed by what allows every line, and by nothing else."""
    for number, rule in rules.rules:
        if rule.path or rule.host:
            continue
        if not rule.command_prefix:
            return rules.verdict(number, rule)
        if rule.decision != Policy.DECISION_ALLOW:
            return Verdict(Decision.ASK, f"the line is not understood: {parsed.obstacle}")
    if fallback.decision is Decision.ASK and parsed.obstacle:
        return Verdict(Decision.ASK, f"the line is not understood: {parsed.obstacle}")
    return fallback


def _mentioned(rules: _Rules, line: str) -> Verdict | None:
    """A line that names, anywhere, a program that a rule denies or asks about is asked about: it may be run by another."""
    for number, rule in rules.rules:
        if rule.path or rule.host:
            continue
        if not rule.command_prefix:
            return None
        first = rule.command_prefix[0]
        if rule.decision != Policy.DECISION_ALLOW and re.search(rf"(?<![\w.-]){re.escape(first)}(?![\w-])", line):
            return Verdict(Decision.ASK, f"the line names `{first}`, and {rules.verdict(number, rule).reason}")
    return None


def _path(rules: _Rules, path: str, fallback: Verdict) -> Verdict:
    for number, rule in rules.rules:
        if rule.command_prefix or rule.host:
            continue
        if not rule.path or path_fits(rule.path, path):
            return rules.verdict(number, rule)
    return fallback


def _write(rules: _Rules, path: str, preset: str, effect: Effect, remark: str) -> Verdict:
    verdict = _path(rules, path, _preset(preset, effect, remark, "change"))
    if verdict.decision is not Decision.ALLOW or not is_protected(path) or _named(rules, path):
        return verdict
    return Verdict(
        Decision.ASK, f"{path} runs by itself, or instructs whoever comes next: changing it is always asked for"
    )


def _named(rules: _Rules, path: str) -> bool:
    """Whether the rule that decides about `path` names it, so that whoever wrote it meant it."""
    for _, rule in rules.rules:
        if rule.command_prefix or rule.host:
            continue
        if not rule.path:
            return False
        if path_fits(rule.path, path):
            return is_protected(rule.path.lstrip("/!").rstrip("/*"))
    return False


def _host(rules: _Rules, network: Network, host: str, preset: str, remark: str) -> Verdict:
    name, port = split_port(host)
    canonical = host_of(name)
    if canonical is None:
        return Verdict(Decision.DENY, f"{name!r} is no name of a host")
    for number, rule in rules.rules:
        if rule.command_prefix or rule.path:
            continue
        if not rule.host or fits(rule.host, canonical, port or 443):
            return rules.verdict(number, rule)
    match network.mode:
        case Network.MODE_OPEN:
            return _preset(preset, Effect.READ, remark, "reach")
        case Network.MODE_CLOSED:
            return Verdict(Decision.DENY, "the policy closes the network")
        case Network.MODE_HOSTS if any(fits(pattern, canonical, port or 443) for pattern in network.hosts):
            return Verdict(Decision.ALLOW, f"the policy opens the network to {canonical}")
        case _:
            return Verdict(Decision.ASK, f"{canonical} is on the network, which the policy does not open")


def _preset(preset: str, effect: Effect, remark: str, verb: str) -> Verdict:
    because = f" ({remark})" if remark else ""
    if effect in (Effect.READ, Effect.NONE, Effect.ASK):
        return Verdict(Decision.ALLOW, f"the preset `{preset}` allows it{because}")
    match preset:
        case "auto":
            return Verdict(Decision.ALLOW, "the preset `auto` asks nothing, where commands are confined")
        case "read-only" if effect is not Effect.NETWORK:
            return Verdict(Decision.DENY, "the preset `read-only` changes and runs nothing")
        case _:
            return Verdict(Decision.ASK, f"the preset `{preset}` asks before anything is {_DONE[verb]}{because}")


_DONE = {"run": "run", "read": "read", "change": "changed", "reach": "reached", "call": "called"}
