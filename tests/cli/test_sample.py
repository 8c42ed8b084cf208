"""`pixelgen sample`: more pictures from a run, the same ones for the same seed."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from pixelgen.cli.painting import differing, folder_name, named_apart

RUN = Path("runs/pictures-1")


@pytest.fixture(autouse=True)
def _trained(learn):
    assert learn("--epochs", 1, "-n", 2).code == 0


def painted(folder: Path | str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(folder).glob("seed*.png")}


def test_the_last_line_is_the_contact_sheet(pixelgen):
    called = pixelgen("sample", RUN, "-n", 3)
    assert called.code == 0
    assert called.last == RUN / "samples" / "contact-sheet.png"
    assert Image.open(called.last).mode == "RGB"
    assert len(painted(RUN / "samples")) == 3


def test_one_picture_is_the_first_of_five_and_the_first_that_the_run_painted(pixelgen):
    first = painted(RUN / "samples")["seed1-0000.png"]
    for count in (1, 5):
        assert pixelgen("sample", RUN, "-n", count, "--out", count).code == 0
    assert painted("1") == {"seed1-0000.png": first}
    assert painted("5")["seed1-0000.png"] == first
    assert len(set(painted("5").values())) == 5


def test_a_seed_gives_the_same_pictures_and_another_gives_others(pixelgen):
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        pixelgen("sample", RUN, "-n", 2, "--seed", seed, "--out", folder)
    assert painted("a") == painted("b")
    assert sorted(painted("a")) == ["seed7-0000.png", "seed7-0001.png"]
    assert {*painted("a").values()}.isdisjoint(painted("c").values())


def test_several_temperatures_are_a_row_each(pixelgen):
    called = pixelgen("sample", RUN, "-n", 2, "--temperature", "0.1,1", "--out", "new")
    assert sorted(painted("new")) == [
        *["seed1-t0.1-0000.png", "seed1-t0.1-0001.png"],
        *["seed1-t1-0000.png", "seed1-t1-0001.png"],
    ]
    assert painted("new")["seed1-t1-0000.png"] == painted(RUN / "samples")["seed1-0000.png"]
    assert called.last == Path("new/contact-sheet.png")


def test_another_sampler_paints_otherwise(pixelgen):
    words = ["-s", "top-k", "-o", "sampler.k=1"]
    for folder, seed in (("a", 1), ("b", 2)):
        assert pixelgen("sample", RUN, "-n", 1, *words, "--seed", seed, "--out", folder).code == 0
    [one], [other] = painted("a").values(), painted("b").values()
    assert one == other  # the best token only, so the seed decides nothing


def test_the_temperature_may_be_given_as_the_option_that_it_is(pixelgen):
    for words in (["--temperature", 0.3], ["-o", "sampler.temperature=0.3"]):
        assert pixelgen("sample", RUN, "-n", 2, *words, "--out", words[0]).code == 0
    assert painted("--temperature") == painted("-o")
    assert pixelgen("sample", RUN, "-n", 2, "--out", "own").code == 0
    assert painted("own") != painted("-o")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--width", 24, "--height", 9], "24x9"),
        (["--width", 12], "."),
        (["--best-of", 2], "best_of=2"),
        (["-s", "greedy"], "sampler=greedy"),
        (["-s", "top-k", "-o", "sampler.k=1"], "sampler=top-k_k=1"),
        (["-s", "multinomial", "--seed", 7], "."),
        (["--temperature-schedule", "1:0.5"], "temperature=1-0.5"),
        (["--temperature", 0.5], "."),
        (["--temperature", 0.5, "--best-of", 2], "best_of=2"),
        (["-o", "sampler.temperature=0.5"], "."),
    ],
)
def test_what_differs_from_the_runs_own_pictures_does_not_replace_them(pixelgen, words, place):
    own = painted(RUN / "samples")
    called = pixelgen("sample", RUN, "-n", 2, *words)
    assert called.last == RUN / "samples" / place / "contact-sheet.png"
    assert own.items() <= painted(RUN / "samples").items()
    assert pixelgen("sample", RUN, "-n", 2, *words, "--out", "new").code == 0
    new, kept = painted("new").values(), painted(RUN / "samples" / place)
    assert set(new) <= set(kept.values())
    assert pixelgen("report", RUN).code == 0


def test_pictures_that_begin_with_another_lie_in_a_folder_named_after_it(pixelgen, folder):
    called = pixelgen("sample", RUN, "-n", 1, "--prime", folder / "picture-1.png")
    name = named_apart(folder / "picture-1.png")
    assert called.last == RUN / "samples" / f"prime={name}-5" / "contact-sheet.png"


def test_pictures_that_begin_with_two_of_one_name_do_not_replace_one_another(
    pixelgen, folder, tmp_path
):
    other = shutil.copy(folder / "picture-2.png", tmp_path / "picture-1.png")
    for prime in (folder / "picture-1.png", other):
        assert pixelgen("sample", RUN, "-n", 1, "--prime", prime).code == 0
    assert len(list((RUN / "samples").glob("prime=picture-1-*"))) == 2


@pytest.mark.parametrize(
    ("words", "needed"), [(["--prime-rows", 3], "--prime"), (["--shard-size", 7], "--shards")]
)
def test_an_option_that_would_change_nothing_is_refused(pixelgen, words, needed):
    pixelgen("sample", RUN, *words).assert_explained(f"without {needed}", words[0], needed)


@pytest.mark.parametrize("command", [["sample"], ["complete"]])
def test_a_device_that_there_is_not_is_refused(pixelgen, folder, command):
    picture = [folder / "picture-1.png"] if command == ["complete"] else []
    called = pixelgen(*command, RUN, *picture, "--device", "banana")
    called.assert_explained("'banana'", "--device", "cuda:N")


def test_groups_whose_names_are_alike_have_folders_of_their_own():
    run = SimpleNamespace(recipe=SimpleNamespace(data=SimpleNamespace(size=(9, 9))))
    names = {folder_name(run, None, None, {"group": group}) for group in ("a b", "a/b", "a-b")}
    assert len(names) == 3
    assert "group=a-b" in names


def test_groups_that_are_mixed_are_told_apart_from_one_that_is_called_so():
    run = SimpleNamespace(
        groups=["a", "a-0.7"], recipe=SimpleNamespace(sampler=SimpleNamespace(name="x"))
    )
    settings = [
        differing(
            run,
            {"sampler": None, "model": None},
            model=None,
            sampler=None,
            temperature="1:0.5",
            best_of=1,
            group=group,
        )
        for group in ("a:0.7", "a-0.7")
    ]
    assert [each["group"] for each in settings] == ["a=0.7", "a-0.7"]
    assert settings[0]["temperature"] == "1-0.5"


def test_long_names_that_end_otherwise_are_told_apart(pixelgen, folder):
    long = folder / f"{'long-' * 30}.png"
    (folder / "picture-1.png").rename(long)
    places = [
        pixelgen("sample", RUN, "-n", 1, "--prime", long, "--prime-rows", rows).last.parent
        for rows in (5, 6)
    ]
    assert places[0] != places[1]
    assert all(len(place.name) == 100 and place.name.startswith("prime=long-") for place in places)


def test_pictures_of_another_size_begin_as_they_are_told(pixelgen, folder):
    words = ["-n", 2, "--width", 40, "--height", 9, "--prime", folder / "picture-1.png"]
    more = ["--prime-rows", 3, "--temperature-schedule", "1.0:0.5", "--best-of", 2]
    assert pixelgen("sample", RUN, *words, *more, "--out", "new").code == 0
    first, second = (Image.open(f"new/seed1-000{number}.png") for number in range(2))
    assert first.size == second.size == (40, 9)
    top = (0, 0, 40, 3)
    assert first.crop(top).tobytes() == second.crop(top).tobytes()
    assert first.tobytes() != second.tobytes()


def test_a_later_picture_is_painted_by_its_number(pixelgen):
    assert pixelgen("sample", RUN, "-n", 3, "--out", "all").code == 0
    assert pixelgen("sample", RUN, "-n", 1, "--first", 2, "--out", "one").code == 0
    assert painted("one") == {"seed1-0002.png": painted("all")["seed1-0002.png"]}


def test_many_pictures_are_written_as_they_are_painted(pixelgen):
    assert pixelgen("sample", RUN, "-n", 130, "--out", "many").code == 0
    assert len(painted("many")) == 130
    assert Image.open("many/contact-sheet.png").height < 9 * 200  # of the first 64


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (["-s", "gredy"], "'gredy'", "'greedy'"),
        (["-o", "sampler.k=3"], "'k'", "temperature"),
        (["-o", "sampler.temperature=0"], "'0'", "0.6"),
        (["--temperature", "1", "-o", "sampler.temperature=2"], "given twice", "Leave one"),
        (["--temperature-schedule", "1:2", "-o", "sampler.temperature=2"], "twice", "Leave one"),
        (["--temperature", "0"], "'0'", "0.6"),
        (["-o", "sampler.temperature=1", "-o", "tokenizer.colors=3"], "the tokenizer's", "again"),
        (["--group", "sea"], "'sea'", "Known groups: ''"),
        (["--width", "20000"], "20000", "16,384"),
        (["--prime", "no.png"], "cannot be used", "JPEG"),
        (["--temperature-schedule", "1:0"], "'0'", "0.6"),
        (["--temperature", "1", "--temperature-schedule", "1:2"], "a course", "Leave one"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(pixelgen, words, what, remedy):
    called = pixelgen("sample", RUN, *words, "--out", "new")
    called.assert_explained(what, "", remedy)
    assert not Path("new").exists()


def test_where_there_is_no_run_those_beside_it_are_named(pixelgen):
    pixelgen("sample", "runs/pictures-2").assert_explained("no run", "pictures-2", "pictures-1")


def test_a_damaged_run_says_which_file(pixelgen):
    (RUN / "model" / "model.safetensors").write_bytes(b"no")
    called = pixelgen("sample", RUN, "--out", "new")
    called.assert_explained("model.safetensors has 2 bytes", "model")


def test_shards_end_with_their_manifest(pixelgen):
    for _ in range(2):
        called = pixelgen("sample", RUN, "-n", 3, "--shards", "tar", "--shard-size", 2)
        assert called.code == 0
        assert called.last == RUN / "shards" / "manifest.json"
    names = sorted(path.name for path in (RUN / "shards").glob("shard-*"))
    assert names == ["shard-00000.tar", "shard-00001.tar"]


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (["--shards", "tra"], "'tra'", "Did you mean 'tar'"),
        (["--shards", "tar", "--temperature", "0.5,1"], "one temperature", "once for each"),
        (["-o", "executor.workers=2"], "options of an executor", "--executor local"),
        (["--executor", "lokal"], "'lokal'", "local"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_painted(pixelgen, words, what, remedy):
    called = pixelgen("sample", RUN, "-n", 2, *words, "--out", "new")
    called.assert_explained(what, "", remedy)
    assert not Path("new").exists()


def test_workers_paint_the_same_pictures(pixelgen):
    words = ["--executor", "local", "-o", "executor.kind=serial"]
    pixelgen("sample", RUN, "-n", 3, "--out", "here")
    assert pixelgen("sample", RUN, "-n", 3, "--out", "there", *words).code == 0
    assert painted("here") == painted("there")
