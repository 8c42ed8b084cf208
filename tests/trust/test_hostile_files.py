"""What a stranger made to do harm is refused, in bounded memory and time."""

from __future__ import annotations

import multiprocessing
import os
import resource
from pathlib import Path

import hostile_files
import pytest

LIMIT = 1 << 30  # bytes that all attacks together may take on top of what is loaded


def in_bounds(name: str, folder: Path, finished: Path, said: Path) -> None:
    """Carry an attack out with little memory; write down what came of it."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + LIMIT, taken + LIMIT))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    said.write_text(hostile_files.outcome(name, folder, finished))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return hostile_files.prepare(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("name", hostile_files.ATTACKS)
def test_it_is_refused(tmp_path, finished, name):
    assert hostile_files.outcome(name, finished.parent / tmp_path.name, finished) == ""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "name",
    [
        "a weights file that declares a terabyte",
        "a weights file that declares 32 GiB, and has them, as a hole",
        "run.json of a terabyte",
        "a picture of 10¹⁰ pixels",
        "a targa picture of 4·10⁹ pixels",
        "a portable map of 10¹⁸ pixels",
        "a palette strip of 10¹⁰ pixels",
        "a model of 10¹² tokens",
        "a model of a grid of 10⁹ places a side",
    ],
)
def test_huge_sizes_are_refused_before_memory_is_taken(tmp_path, finished, name):
    said = tmp_path / "said"
    context = multiprocessing.get_context("forkserver")
    arguments = (name, finished.parent / f"bounded-{tmp_path.name}", finished, said)
    process = context.Process(target=in_bounds, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert said.read_text() == ""


def test_the_untouched_run_is_let_in(tmp_path, finished):
    place = hostile_files.Place(tmp_path / "place", finished)
    place.open()
    place.resume()


@pytest.mark.parametrize("follow", [False, True])
def test_links_out_of_a_folder_are_followed_when_asked_for(tmp_path, follow):
    from pixelgen.data.collection import collect
    from pixelgen.errors import NoPictures
    from pixelgen.sources.folder import Folder

    hostile_files.make_pictures(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    source = Folder(Folder.Options(follow_links=follow), str(tmp_path / "here"))
    if follow:
        assert len(collect(source, (12, 12)).pictures) == 1
    else:
        with pytest.raises(NoPictures, match="a link out of the folder"):
            collect(source, (12, 12))


def test_a_recipe_installs_nothing_and_runs_nothing(tmp_path, finished, monkeypatch):
    def forbidden(*arguments: object, **named: object) -> None:
        raise AssertionError(f"started {arguments}")

    monkeypatch.setattr("subprocess.Popen", forbidden)
    monkeypatch.setattr("os.system", forbidden)
    for name in hostile_files.ATTACKS:
        if name.startswith("a recipe"):
            folder = finished.parent / f"{tmp_path.name}-{len(name)}-{hash(name)}"
            assert hostile_files.outcome(name, folder, finished) == ""
