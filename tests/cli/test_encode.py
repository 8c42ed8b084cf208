"""`pixelgen encode`: pictures to tokens, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelgen.token_store.manifest import TokenManifest

SMALL = ("--size", 12, "-q", "rgb-grid", "--colors", 27, "-o", "executor.kind=serial")


def test_the_last_line_is_the_folder_and_a_run_learns_from_it(pixelgen, folder):
    called = pixelgen("encode", folder, *SMALL, "--variants", 2)
    assert called.code == 0, called.err
    assert called.last == Path("tokens")
    assert "7 pictures to learn, each with 2 variants, 1 held out" in called.err
    assert "pixelgen run tokens" in called.err
    learned = pixelgen("run", "tokens", "-m", "markov", "--epochs", 1, "-n", 1)
    assert learned.code == 0, learned.err
    assert learned.last.is_file()
    assert learned.last.parts[:2] == ("runs", "tokens-1")


def test_it_uses_processes_unless_told_otherwise(pixelgen, folder, monkeypatch):
    kinds = []
    monkeypatch.setattr(
        "pixelgen.executors.local.Local.map",
        lambda self, function, items, progress=None: (
            kinds.append(self.options.kind) or map(function, items)
        ),
    )
    assert pixelgen("encode", folder, *SMALL[:-2], "--out", "a").code == 0
    assert set(kinds) == {"processes"}
    kinds.clear()
    assert pixelgen("encode", folder, *SMALL[:-2], "--out", "b", "--executor", "local").code == 0
    assert set(kinds) == {"threads"}


def test_what_was_left_out_is_said(pixelgen, folder):
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "twin.png").write_bytes((folder / "picture-3.png").read_bytes())
    called = pixelgen("encode", folder, *SMALL, "-o", "data.held_out=0")
    assert "Left out, bad (1): broken.png: it is damaged" in called.err
    assert "Left out, exact duplicates (1): twin.png = picture-3.png" in called.err


def test_the_same_command_goes_on(pixelgen, folder):
    words = ("encode", folder, *SMALL, "--shard-size", 3)
    assert pixelgen(*words).code == 0
    before = TokenManifest.read(Path("tokens"))
    Path("tokens/shard-00001.npy").unlink()
    assert pixelgen(*words).code == 0
    assert TokenManifest.read(Path("tokens")) == before


def test_no_model_is_imported(pixelgen, folder, monkeypatch):
    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    assert pixelgen("encode", folder, *SMALL).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--variants", 1, "--augment", "none"), "copies"),
        (("--colors", 0), "colors"),
        (("-o", "model.hidden=3"), "of model cannot decide"),
        (("-o", "training.minutes=3"), "of training cannot decide"),
        (("-o", "data.scan=raster"), "ata.scan cannot decide"),
        (("-o", "tokenizer.colors=9", "--colors", "8"), "9 for tokenizer.colors contradicts 8"),
    ],
)
def test_what_cannot_be_is_explained(pixelgen, folder, words, said):
    called = pixelgen("encode", folder, *SMALL, *words)
    called.assert_explained(said)
    assert not Path("tokens/tokens.json").exists()


def test_an_unfinished_encoding_cannot_be_learned_from(pixelgen, folder):
    assert pixelgen("encode", folder, *SMALL).code == 0
    manifest = Path("tokens/tokens.json")
    manifest.write_text(manifest.read_text().replace('"finished": true', '"finished": false'))
    pixelgen("run", "tokens", "-m", "markov", "--epochs", 1).assert_explained(
        "not finished", "tokens", "goes on there"
    )
