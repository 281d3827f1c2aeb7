"""What can go wrong with an expression.

ExpressionError
├── ExpressionRefused      it is not one, or asks for something that it may not have
├── ExpressionFailed       it came to an error of its own with this data
└── ExpressionLimit        it took too long, or too much memory
"""


class ExpressionError(Exception):
    """An expression gave no value; the message is fit for a person."""


class ExpressionRefused(ExpressionError):
    """The expression is wrong whatever the data is."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ExpressionFailed(ExpressionError):
    """The expression fails with this data."""


class ExpressionLimit(ExpressionError):
    """The expression hit a limit: another time it may not, so that whoever replays must know that it did."""
