"""How much of an allowance is used. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from stigmer_runner.durable.messages import Allowance, Used

NEAR = 0.8
"""The part of a limit from which on the person is told."""


@dataclass(frozen=True)
class Near:
    """A limit that is near, or reached."""

    limit: str
    """`turns`, `tokens`, `cost` or `time`, as in `LimitNeared`."""
    used: int
    allowed: int

    @property
    def reached(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.allowed


def near(used: Used, allowance: Allowance) -> Iterator[Near]:
    """The limits of which at least `NEAR` is used; not that of time."""
    for limit, amount, allowed in (
        ("turns", used.turns, allowance.turns),
        ("tokens", used.tokens, allowance.tokens),
        ("cost", used.cost_micro_usd, allowance.cost_micro_usd),
    ):
        if allowed and amount >= allowed * NEAR:
            yield Near(limit, amount, allowed)


def left(used: Used, allowance: Allowance, seconds_used: float) -> Allowance:
    """What a sub-agent may use: what its agent has left, at least the least that counts."""
    return Allowance(
        turns=_left(allowance.turns, used.turns),
        tokens=_left(allowance.tokens, used.tokens),
        cost_micro_usd=_left(allowance.cost_micro_usd, used.cost_micro_usd),
        seconds=max(allowance.seconds - seconds_used, 0.001) if allowance.seconds else 0.0,
    )


def in_words(near: Near) -> str:
    """Why a run that reached a limit ends, and how to go on."""
    amount = {
        "turns": f"{near.allowed} calls of the model",
        "tokens": f"{near.allowed} tokens",
        "cost": f"{near.allowed / 1e6:g} US dollars",
        "time": f"{near.allowed / 1e6:g} seconds",
    }[near.limit]
    return (
        f"The limit of {amount} is reached: the agent stops here. What it did is kept; send a message in the same session, "
        f"with a higher limit, to let it go on."
    )


def _left(allowed: int, used: int) -> int:
    return max(allowed - used, 1) if allowed else 0
