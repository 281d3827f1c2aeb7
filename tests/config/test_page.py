"""`docs/configuration.md` says what the code says."""

from pathlib import Path

from stigmer_apis.config.page import configuration_page
from stigmer_apis.config.schema import SETTINGS, VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    """Make it with `python -m stigmer_apis.config.page > docs/configuration.md`."""
    assert PAGE.read_text() == configuration_page()


def test_every_setting_and_variable_is_on_it() -> None:
    text = configuration_page()
    for setting in SETTINGS.values():
        assert f"`{setting.path[-1] if setting.in_file else setting.key}`" in text
    for name in VARIABLES:
        assert f"`{name}`" in text
