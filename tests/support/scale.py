"""Two sizes of proof: reduced counts for every run, full counts for a campaign."""

import os

CAMPAIGN_VARIABLE = "STIGMER_CAMPAIGN"
"""Set by `make campaign`."""


def in_campaign() -> bool:
    """Whether this run is a campaign, with the full counts."""
    return bool(os.environ.get(CAMPAIGN_VARIABLE))


def scaled(reduced: int, full: int) -> int:
    """`full` in a campaign, else `reduced`."""
    return full if in_campaign() else reduced
