"""Pictures that `pixelgen encode` has turned into tokens, as a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pixelgen.data.collection import Collection
from pixelgen.errors import SourceError
from pixelgen.options import Options as BaseOptions
from pixelgen.sources.interface import BadPicture, Picture, Source
from pixelgen.token_store.collection import StoredCollection
from pixelgen.token_store.store import TokenStore
from pixelgen.untrusted import user_path


class Tokens(Source):
    """A folder of encoded pictures, which a run learns from without decoding or encoding any.

    Taken as pictures, they are what is left of them in tokens: at the size and in the colours that
    they were encoded with, those to learn first and then those held out.
    """

    needs_location: ClassVar[bool] = True

    class Options(BaseOptions):
        """There are none: all was decided when the pictures were encoded."""

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        if not location:
            raise SourceError(
                "no folder of tokens was given",
                where="in the place of the pictures",
                remedy="Name one: pixelgen run tokens/",
            )
        self.store = TokenStore(user_path(location))

    def pictures(self, size: tuple[int, int]) -> Iterator[Picture | BadPicture]:
        """Yield the pictures that the tokens stand for."""
        yield from self.collection().pictures

    def collection(self, device: str = "auto") -> Collection:
        """Return all of them, decoded when they are looked at."""
        return StoredCollection(self.store, device)

    def length(self) -> int:
        """Return how many there are."""
        return len(self.store)
