"""All checks of each kind, in the order in which they are run and documented."""

from __future__ import annotations

from pixelgen.testing import every_class as every_class
from pixelgen.testing import executors as executors
from pixelgen.testing import modules as modules
from pixelgen.testing import samplers as samplers
from pixelgen.testing import sources as sources
from pixelgen.testing.contract import Check, known_checks
from pixelgen.testing.models import edges as edges
from pixelgen.testing.models import learning as learning
from pixelgen.testing.models import likelihood as likelihood
from pixelgen.testing.models import painting as painting
from pixelgen.testing.models import storage as model_storage
from pixelgen.testing.tokenizers import edges as tokenizer_edges
from pixelgen.testing.tokenizers import storage as tokenizer_storage
from pixelgen.testing.tokenizers import tokens as tokens


def checks_of(kind: str) -> tuple[Check, ...]:
    """Return the checks of a kind of plugin; `plugin` for those of an entry point's module."""
    return known_checks(kind)
