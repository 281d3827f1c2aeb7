"""The page about what is open says of each kind what the contract says."""

import re
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind import api_resource_kind_pb2 as kinds

PAGE = (Path(__file__).parents[2] / "docs" / "open-core.md").read_text(encoding="utf-8")


def named_in(table: str) -> set[str]:
    """The kinds in the first column."""
    rows = [
        line.split("|")[1] for line in table.splitlines() if line.startswith("| ") and not line.startswith("| kind")
    ]
    return {name for row in rows for name in re.findall(r"[A-Z]\w+", row)}


def test_each_kind_stands_where_the_contract_has_it() -> None:
    here, hosted = (part.split("\n\n")[0] for part in PAGE.split("| kind |")[1:])
    tiers: dict[int, set[str]] = {}
    for value in kinds.ApiResourceKind.DESCRIPTOR.values:
        meta = value.GetOptions().Extensions[kinds.kind_meta]
        if meta.name:
            tiers.setdefault(meta.tier, set()).add(meta.name)
    assert named_in(here) == tiers[kinds.TIER_OPEN_SOURCE]
    assert named_in(hosted) == tiers[kinds.TIER_CLOUD_ONLY]
