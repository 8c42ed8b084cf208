"""Runs that learn from tokens on disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from pixelgen import api, provenance
from pixelgen.data import material
from pixelgen.errors import OptionError, RecipeError, RunUnreadable, SourceError
from pixelgen.evaluation.conduct import evaluate
from pixelgen.evaluation.held_out import material_of
from pixelgen.executors.local import Local
from pixelgen.recipe import Recipe, merge
from pixelgen.resolving import resolve
from pixelgen.resuming import resume
from pixelgen.sources.tokens import Tokens
from pixelgen.testing import parametrize_with_checks
from pixelgen.token_store.encoding import encode_pictures
from pixelgen.token_store.settling import is_token_folder
from pixelgen.token_store.store import TokenStore

KEPT = tempfile.TemporaryDirectory()


def encoded() -> str:
    """A place of encoded landscapes."""
    tables = {"source": {"name": "sample", "pictures": 5}, "data": {"size": 8}}
    place = Path(KEPT.name) / "tokens"
    recipe = Recipe.parse({**tables, "tokenizer": {"name": "rgb-grid", "colors": 27}})
    serial = Local(Local.Options(kind="serial"))
    kinds = ("source", "tokenizer", "executor")
    encode_pictures(resolve(recipe, kinds=kinds), place, executor=serial)
    return str(place)


@parametrize_with_checks("tokens", location=encoded())
def test_the_source_conforms(check):
    check()


@pytest.fixture
def tokens(quick, tmp_path) -> Path:
    encode_pictures(quick(), tmp_path / "tokens", variants=2, shard_size=4)
    return tmp_path / "tokens"


def recipe(tokens: Path, **tables) -> Recipe:
    basis = {
        "source": {"location": str(tokens)},
        "model": {"name": "markov"},
        "training": {"epochs": 3},
        "painting": {"pictures": 2, "while_training": 0},
    }
    return Recipe.parse(merge(basis, tables))


def weights(run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.directory.model.iterdir()}


def test_a_folder_of_tokens_is_recognised(tokens):
    resolved = resolve(recipe(tokens))
    assert resolved.recipe.source.name == "tokens"
    assert resolved.recipe.tokenizer.name == "rgb-grid"
    assert resolved.recipe.data.size == (12, 12)
    assert resolved.recipe.data.augment == ("flips",)


def test_an_epoch_learns_its_variant_and_nothing_is_encoded(tokens, tmp_path, monkeypatch):
    resolved = resolve(recipe(tokens))
    kind = resolved.classes["tokenizer"]
    monkeypatch.setattr(kind, "fit", None)
    run = api.start(resolved, tmp_path / "run").run
    laid_out = material_of(run)
    stored = TokenStore(tokens)
    monkeypatch.setattr(kind, "encode", None)
    for epoch, variant in ((0, 1), (1, 2), (2, 1)):
        canvases, groups = laid_out.chunk(epoch)
        expected = stored.tokens(range(6), variant)
        np.testing.assert_array_equal(canvases, expected.reshape(6, -1))
        assert groups.tolist() == [0] * 6


def test_what_is_held_out_is_what_the_encoding_held_out(tokens, tmp_path):
    run = api.start(resolve(recipe(tokens)), tmp_path / "run").run
    names = TokenStore(tokens).names.names
    assert run.manifest["data"]["train"] == names[:6]
    assert run.manifest["data"]["held_out"] == names[6:]


def test_the_model_is_that_of_the_same_tokens_from_pictures(quick, tmp_path):
    resolved = quick(data={"augment": "none", "held_out": 0})
    encode_pictures(resolved, tmp_path / "tokens")
    from_pictures = api.start(resolved, tmp_path / "a").run
    training = {"training": {"epochs": 2}}
    from_tokens = api.start(resolve(recipe(tmp_path / "tokens", **training)), tmp_path / "b").run
    np.testing.assert_array_equal(from_pictures.sample(2), from_tokens.sample(2))


def test_a_run_does_not_list_them_all_and_goes_on_all_the_same(tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "LISTED", 3)
    whole = api.start(resolve(recipe(tokens)), tmp_path / "whole").run
    data = whole.manifest["data"]
    assert (data["learned"], len(data["train"]), len(data["held_out"])) == (6, 3, 2)
    assert data["digests"] == {}
    assert "6 training pictures" in (tmp_path / "whole" / "report.html").read_text()
    api.start(resolve(recipe(tokens, training={"epochs": 1})), tmp_path / "parts")
    assert weights(resume(tmp_path / "parts", epochs=3).run) == weights(whole)
    assert evaluate(whole.path, samples=2).novelty.samples


def test_other_tokens_are_refused_in_resuming(quick, tokens, tmp_path):
    api.start(resolve(recipe(tokens, training={"epochs": 1})), tmp_path / "run")
    shutil.rmtree(tokens)
    encode_pictures(quick(seed=2), tokens, variants=2, shard_size=4)
    for allowed in (False, True):  # they may stand for other colours
        with pytest.raises(RecipeError, match="the tokens have changed since the run began"):
            resume(tmp_path / "run", epochs=2, changed_pictures=allowed)


def test_a_run_is_resumed(tokens, tmp_path):
    whole = api.start(resolve(recipe(tokens)), tmp_path / "whole").run
    api.start(resolve(recipe(tokens, training={"epochs": 1})), tmp_path / "parts")
    parts = resume(tmp_path / "parts", epochs=3).run
    assert weights(whole) == weights(parts)


def test_many_pictures_are_learned_in_chunks(tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "PICTURES_A_CHUNK", 4)
    run = api.start(resolve(recipe(tokens)), tmp_path / "run").run
    laid_out = material_of(run)
    assert laid_out.chunks == 2
    stored = TokenStore(tokens)
    for epoch in range(3):
        parts = [laid_out.chunk(epoch, number)[0] for number in range(2)]
        assert [len(part) for part in parts] == [4, 2]
        expected = stored.tokens(range(6), stored.variant_of(epoch)).reshape(6, -1)
        assert sorted(map(bytes, np.concatenate(parts))) == sorted(map(bytes, expected))


def test_a_run_in_chunks_goes_on_exactly(tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "PICTURES_A_CHUNK", 4)
    options = {"model": {"name": "markov", "batch": 8}}
    resolved = resolve(recipe(tokens, training={"steps": 20}, **options))
    assert resolved.recipe.training.steps == 20
    whole = api.start(resolved, tmp_path / "whole").run
    for after in (3, 5, 6, 11, 13):  # within chunks, and between them
        steps = 0

        def stop(after=after):
            nonlocal steps
            steps += 1
            return steps > after

        out = tmp_path / f"after-{after}"
        api.start(resolved, out, should_stop=stop)
        assert weights(resume(out).run) == weights(whole), after


def test_chunks_are_mixed_afresh_in_each_epoch(tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(material, "PICTURES_A_CHUNK", 3)
    laid_out = material_of(api.start(resolve(recipe(tokens)), tmp_path / "run").run)
    firsts = {tuple(laid_out._in_chunk(epoch, 0)) for epoch in range(8)}
    assert len(firsts) > 3


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"data": {"size": 6}}, r"data.size = \[12, 12\], and not \[6, 6\]"),
        ({"data": {"augment": "none"}}, "data.augment"),
        ({"tokenizer": {"name": "octree"}}, "tokenizer.name = 'rgb-grid', and not 'octree'"),
        ({"tokenizer": {"colors": 8}}, "tokenizer.colors = 27, and not 8"),
    ],
)
def test_what_the_encoding_has_settled_cannot_be_asked_otherwise(tokens, tables, said):
    with pytest.raises(OptionError, match=said):
        resolve(recipe(tokens, **tables))


def test_the_same_may_be_asked_again(tokens):
    resolve(recipe(tokens, data={"size": 12, "scan": "serpentine"}, tokenizer={"colors": 27}))


def test_as_pictures_they_are_what_the_tokens_stand_for(tokens):
    source = resolve(recipe(tokens)).source()
    pictures = list(source.pictures((12, 12)))
    assert len(pictures) == source.length() == 8
    stored = TokenStore(tokens)
    decoded = stored.tokenizer().decode(stored.tokens(range(8)))
    for found, pixels in zip(pictures, decoded, strict=True):
        np.testing.assert_array_equal(found.pixels, pixels)
    collection = source.collection()
    assert [each.name for each in collection.pictures[2:4]] == collection.names[2:4]
    assert collection.pictures[-1].name == collection.names[-1]


def test_changed_tokens_are_noticed(quick, tokens, tmp_path):
    run = api.start(resolve(recipe(tokens)), tmp_path / "run").run
    shutil.rmtree(tokens)
    encode_pictures(quick(seed=2), tokens, variants=2, shard_size=4)
    with pytest.raises(SourceError, match="are not those"):
        material_of(run)


class TestDamaged:
    def refused(self, tokens: Path, said: str) -> None:
        with pytest.raises(RunUnreadable, match=said):
            opened = TokenStore(tokens)
            assert opened.names
            assert opened.tokenizer()
            opened.tokens(range(8))

    def test_no_tokens(self, tmp_path):
        self.refused(tmp_path, "no tokens.json")

    def test_unfinished(self, tokens):
        manifest = tokens / "tokens.json"
        manifest.write_text(manifest.read_text().replace('"finished": true', '"finished": false'))
        self.refused(tokens, "not finished: 6 pictures so far")

    def test_a_newer_version(self, tokens):
        manifest = tokens / "tokens.json"
        manifest.write_text(manifest.read_text().replace('version": 1', 'version": 99'))
        self.refused(tokens, "schema 99")

    def test_a_shard_that_is_gone(self, tokens):
        (tokens / "shard-00001.npy").unlink()
        self.refused(tokens, "tokens cannot be read")

    def test_a_shard_of_another_length(self, tokens):
        with (tokens / "shard-00001.npy").open("ab") as file:
            file.write(b"?")
        self.refused(tokens, "another file")

    def test_a_shard_of_another_shape(self, tokens):
        path = tokens / "shard-00000.npy"
        data = path.read_bytes().replace(b"(4, 3, 12, 12)", b"(4, 3, 12, 6) ")
        path.write_bytes(data)
        self.refused(tokens, r"does not hold uint8 \(4, 3, 12, 12\)")

    def test_a_shard_of_pickles(self, tokens):
        path = tokens / "shard-00000.npy"
        np.save(path, np.array([object()]), allow_pickle=True)
        path.write_bytes(path.read_bytes().ljust(path.stat().st_size, b"\0"))
        self.refused(tokens, "tokens cannot be read")

    def test_a_token_beyond_the_vocabulary(self, tokens):
        path = tokens / "shard-00000.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
        with pytest.raises(RunUnreadable, match="a token 255 of 27"):
            TokenStore(tokens).tokens(range(8), variant=2)

    def test_a_link(self, tokens, tmp_path):
        path = tokens / "shard-00000.npy"
        path.rename(tmp_path / "elsewhere.npy")
        path.symlink_to(tmp_path / "elsewhere.npy")
        self.refused(tokens, "another file")

    def test_names_of_other_pictures(self, tokens):
        path = tokens / "shard-00000.json"
        path.write_text(path.read_text().replace("[", '["more", ', 1))
        self.refused(tokens, "not of 4 pictures")

    def test_a_tokenizer_that_was_harmed(self, tokens):
        path = next(
            each for each in (tokens / "tokenizer").iterdir() if "checksums" not in each.name
        )
        path.write_bytes(path.read_bytes() + b" ")
        self.refused(tokens, "the tokenizer is damaged")


def test_no_folder_is_named():
    with pytest.raises(SourceError, match="no folder of tokens"):
        Tokens(Tokens.Options())


def test_a_place_that_is_no_path_holds_no_tokens():
    assert not is_token_folder("x" * 5000)
    assert not is_token_folder(None)
    assert not is_token_folder("pipe:cat a b")


def test_a_run_is_painted_when_its_tokens_are_gone(tokens, tmp_path):
    run = api.start(resolve(recipe(tokens)), tmp_path / "run").run
    painted = run.sample(2)
    shutil.rmtree(tokens)
    there = type(run)(run.path)
    np.testing.assert_array_equal(there.sample(2), painted)
    with pytest.raises(RunUnreadable, match="no encoded pictures here"):
        evaluate(run.path, samples=1)
