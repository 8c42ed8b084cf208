import itertools

import numpy as np
import pytest

from pixelgen.data.collection import collect
from pixelgen.errors import OptionError, SourceError
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.sources.sample import Sample


def sample(location: str | None = None, **options) -> Sample:
    return Sample(parse_options(Sample.Options, options, owner="source sample"), location)


def test_it_is_registered_and_needs_no_location():
    assert catalogue().load("source", "sample") is Sample
    assert not Sample.needs_location


def test_there_are_as_many_landscapes_as_asked_for():
    source = sample(pictures=5)
    names = [picture.name for picture in source.pictures((12, 9))]
    assert names == [f"landscape-000{number}" for number in range(5)]
    assert source.length() == 5


def test_the_smallest_crop_of_a_landscape_is_no_smaller_than_the_size_asked():
    (picture,) = sample(pictures=1).pictures((30, 20))
    height, width = picture.pixels.shape[:2]
    assert picture.pixels.dtype == np.uint8
    assert 0.75 * width >= 30
    assert 0.75 * height >= 20
    assert (width, height) == (40, 27)


def test_a_seed_gives_the_same_landscapes_again_and_another_seed_others():
    first, again, other = (
        [picture.pixels for picture in sample(pictures=3, seed=seed).pictures((16, 16))]
        for seed in (4, 4, 5)
    )
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert all((one != two).any() for one, two in zip(first, other, strict=True))


def test_runs_of_any_seed_learn_the_same_landscapes():
    one, other = (
        next(Sample(Sample.Options(pictures=1), seed=seed).pictures((16, 16))) for seed in (1, 2)
    )
    assert (one.pixels == other.pixels).all()


def test_landscapes_are_distinct():
    collection = collect(sample(pictures=12), (16, 16))
    assert len(collection.pictures) == 12
    assert not collection.bad


def test_they_are_painted_one_by_one_so_that_a_million_can_be_begun():
    endless = sample(pictures=1_000_000).pictures((8, 8))
    assert len(list(itertools.islice(endless, 2))) == 2


@pytest.mark.parametrize("pictures", [0, 1_000_001])
def test_their_number_has_bounds(pictures):
    with pytest.raises(OptionError, match="'pictures'"):
        sample(pictures=pictures)


def test_a_location_is_an_error_rather_than_passed_over():
    with pytest.raises(SourceError, match=r"cannot read 'paintings'.*--source folder"):
        sample(location="paintings")
