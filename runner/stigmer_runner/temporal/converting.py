"""How values and failures travel to Temporal and back: as the embedded engine writes them, and sealed."""

from contextvars import ContextVar

from stigmer_runner.engine.plain_values import PlainValues
from stigmer_runner.temporal.codec import SealedPayloads
from stigmer_runner.temporal.large_values import KeptValues, outside
from stigmer_runner.temporal.library import (
    CancelledError,
    DataConverter,
    DefaultFailureConverter,
    Failure,
    PayloadConverter,
)

left_behind: ContextVar[tuple[object, ...]] = ContextVar("left_behind", default=())
"""What the activity that runs in this context leaves to the workflow, should it end by being cancelled."""


class Failures(DefaultFailureConverter):
    """Failures whose words are sealed too, and cancellations that keep what an activity left behind."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """The failure that tells of `exception`."""
        left = left_behind.get()
        if isinstance(exception, CancelledError) and left and not exception.details:
            exception = CancelledError(exception.message, *left)
        super().to_failure(exception, payload_converter, failure)


def data_converter(key: bytes, values: KeptValues) -> DataConverter:
    """The converter of clients and workers. `key` seals what they write: see `SealedPayloads`; `values` keeps what is large."""
    return DataConverter(
        payload_converter_class=PlainValues,
        payload_codec=SealedPayloads(key),
        failure_converter_class=Failures,
        external_storage=outside(values),
    )
