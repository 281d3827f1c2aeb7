"""Create, update and apply as they are called: the transaction around a catalogue's step."""

from typing import Generic

from stigmer_apis.transport import aio
from stigmer_backend.resources.catalogue import Catalogue, Outcome
from stigmer_backend.resources.kinds import R
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.calls import Request, Response, idempotency_key, tell
from stigmer_backend.store import Store


class Writes(Generic[R]):
    """The writes of one kind."""

    def __init__(self, store: Store, catalogue: Catalogue[R], stamps: Stamps) -> None:
        self._store = store
        self._catalogue = catalogue
        self._stamps = stamps

    async def create(self, wanted: R, context: aio.ServicerContext[Request, Response]) -> R:
        """Store a new resource. Raises what `Catalogue.create` raises."""
        call = self._call("create", wanted, context)
        stamp = self._stamps.now()
        made, outcome = await self._store.write(lambda state: self._catalogue.create(state, wanted, stamp, call))
        return self._answer(made, outcome, context)

    async def update(self, wanted: R, context: aio.ServicerContext[Request, Response]) -> R:
        """Replace a stored resource. Raises what `Catalogue.update` raises."""
        stamp = self._stamps.now()
        made, outcome = await self._store.write(lambda state: self._catalogue.update(state, wanted, stamp))
        return self._answer(made, outcome, context)

    async def apply(self, wanted: R, context: aio.ServicerContext[Request, Response]) -> R:
        """Create or update. Raises what `Catalogue.apply` raises."""
        call = self._call("apply", wanted, context)
        stamp = self._stamps.now()
        made, outcome = await self._store.write(lambda state: self._catalogue.apply(state, wanted, stamp, call))
        return self._answer(made, outcome, context)

    def _answer(self, made: R, outcome: Outcome, context: aio.ServicerContext[Request, Response]) -> R:
        tell(context, outcome)
        self._catalogue.means.secrets.mask(self._catalogue.kind, made)
        return made

    def _call(self, what: str, wanted: R, context: aio.ServicerContext[Request, Response]) -> Repeatable | None:
        """The call as a repeat is known by: of secret values only that they are there, as a digest of them could be guessed at."""
        method = f"{self._catalogue.kind.name}/{what}"
        masked = self._catalogue.copy(wanted)
        self._catalogue.means.secrets.mask(self._catalogue.kind, masked)
        return Repeatable.of(idempotency_key(context), method, masked.SerializeToString(deterministic=True))
