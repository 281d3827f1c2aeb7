"""What happens to the secret values of a resource on its way into the store and out of it."""

from stigmer_backend.resources.kinds import AnyKind, Resource


class SecretValues:
    """Walks resources for values with `is_secret`. As it stands it leaves them as they are."""

    def put_away(self, kind: AnyKind, stored: Resource | None, fresh: Resource) -> None:
        """Seal the plain values of `fresh`, in place, inside the transaction that stores it.

        `fresh.metadata.id` is set; `stored` is what it replaces, None where it is new. A value that comes as the mask, or plain and the
        same as the stored one, becomes the stored one, so that `fresh == stored` tells whether anything changes.
        """

    def mask(self, kind: AnyKind, resource: Resource) -> None:
        """Replace the secret values of `resource`, in place, by the mask: it is about to be answered."""
