"""What a call costs, from a dated table. A model that is not in it has an unknown cost, which is 0: never a guess.

The table is `prices.yaml` beside this module; `$STIGMER_HOME/prices.yaml`, in the same form, adds to it and stands above
it. Prices are US dollars for a million tokens.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import yaml

from stigmer_runner.errors import RunnerError
from stigmer_runner.models.port import Done, Usage

PACKAGED: Final = Path(__file__).with_name("prices.yaml")
_DATE: Final = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_KINDS: Final = ("input", "output", "cached_input", "cache_write")


class PricesRefused(RunnerError):
    """The person's file of prices cannot be read."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """Read from the provider's cache; None: as `input`."""
    cache_write: float | None = None
    """Written to it; None: as `input`."""
    above_tokens: int = 0
    """Tokens of input from which on `above` stands for the whole request; 0: never."""
    above: "Price | None" = None

    def cost_micro_usd(self, usage: Usage) -> int:
        """Millionths of a US dollar: dollars for a million tokens are millionths for one."""
        if self.above is not None and usage.input_tokens > self.above_tokens:
            return self.above.cost_micro_usd(usage)
        plain = max(0, usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens)
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        return round(
            plain * self.input
            + usage.cached_input_tokens * cached
            + usage.cache_write_tokens * written
            + usage.output_tokens * self.output
        )


class Prices:
    """Prices by `provider/model`; a name that ends in `*` stands for all that begin so, the longest first."""

    def __init__(self, table: Mapping[str, Price]) -> None:
        self._exact = {name: price for name, price in table.items() if not name.endswith("*")}
        self._beginnings = sorted(
            ((name[:-1], price) for name, price in table.items() if name.endswith("*")), key=lambda each: -len(each[0])
        )

    def price(self, provider: str, model: str) -> Price | None:
        """None where it is not known."""
        name = f"{provider}/{model}"
        for each in (name, _DATE.sub("", name)):
            if (exact := self._exact.get(each)) is not None:
                return exact
        return next((price for beginning, price in self._beginnings if name.startswith(beginning)), None)

    def priced(self, provider: str, model: str, done: Done) -> Done:
        """`done`, its usage with a cost: of the model that answered where that is in the table, else of the one asked."""
        price = self.price(provider, done.model) or self.price(provider, model)
        if price is None:
            return done
        return dataclasses.replace(
            done, usage=dataclasses.replace(done.usage, cost_micro_usd=price.cost_micro_usd(done.usage))
        )


def load_prices(home: Path | None) -> Prices:
    """The packaged table under the person's, read from disk. Raises PricesRefused where the person's cannot be read."""
    table = dict(_read(PACKAGED))
    own = home / "prices.yaml" if home is not None else None
    if own is not None and own.exists():
        table.update(_read(own))
    return Prices(table)


def _read(path: Path) -> Mapping[str, Price]:
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PricesRefused(f"{path} cannot be read: {error}. Mend it, or move it away.") from error
    prices = cast(Mapping[object, object], document).get("prices") if isinstance(document, Mapping) else None
    if prices is None or not isinstance(prices, Mapping):
        raise PricesRefused(f"{path} has no table `prices`. It has the form of the one at {PACKAGED}.")
    table: dict[str, Price] = {}
    for name, entry in cast(Mapping[object, object], prices).items():
        table[str(name)] = _price(path, str(name), entry)
    return table


def _price(path: Path, name: str, entry: object) -> Price:
    fields = dict(cast(Mapping[object, object], entry if isinstance(entry, Mapping) else {}))
    higher = fields.pop("above", None)
    if higher is None:
        return _flat(path, name, fields)
    if not isinstance(higher, Mapping):
        raise PricesRefused(f"{path}: `{name}.above` wants `tokens` and prices.")
    above = dict(cast(Mapping[object, object], higher))
    tokens = above.pop("tokens", None)
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens <= 0:
        raise PricesRefused(f"{path}: `{name}.above.tokens` is no number of tokens.")
    price = _flat(path, name, fields)
    return dataclasses.replace(price, above_tokens=tokens, above=_flat(path, f"{name}.above", above))


def _flat(path: Path, name: str, fields: Mapping[object, object]) -> Price:
    values: dict[str, float] = {}
    for key, value in fields.items():
        if key not in _KINDS or isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
            raise PricesRefused(
                f"{path}: `{name}.{key}` is no price. Known are {', '.join(_KINDS)}: US dollars for a million tokens."
            )
        values[str(key)] = float(value)
    if "input" not in values or "output" not in values:
        raise PricesRefused(f"{path}: `{name}` wants `input` and `output`, US dollars for a million tokens.")
    return Price(values["input"], values["output"], values.get("cached_input"), values.get("cache_write"))
