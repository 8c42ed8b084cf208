"""The page of a run: complete, small, harmless, and right in a real browser."""

from __future__ import annotations

import base64
import os
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from html_tags import Tags
from PIL import Image

from pixelgen.api import start
from pixelgen.errors import RunUnreadable
from pixelgen.evaluation.conduct import evaluate
from pixelgen.recipe import Recipe, merge
from pixelgen.report.encoding import address, addresses
from pixelgen.report.page import render_page, write_page
from pixelgen.report.swatches import swatches
from pixelgen.resolving import resolve

HOSTILE = "<img src=x onerror=alert(1)>'\"&lt;script&gt;.png"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on pictures of which one has a name that would do harm."""
    folder = tmp_path_factory.mktemp("<script>alert(2)<") / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(6):
        pixels = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        name = HOSTILE.replace("/", "") if number == 0 else f"{number}.png"
        Image.fromarray(pixels).save(folder / name)
    recipe = {
        "source": {"name": "folder", "location": str(folder)},
        "data": {"size": 12, "held_out": 0.2, "augment": "flips", "split_seed": 3},
        "tokenizer": {"name": "rgb-grid", "colors": 27},
        "model": {"name": "markov"},
        "training": {"epochs": 3},
        "painting": {"pictures": 4, "while_training": 2},
    }
    return start(resolve(Recipe.parse(recipe)), folder.parent / "run").run


def test_a_run_ends_by_making_its_page_below_three_megabytes(run):
    page = run.path / "report.html"
    assert page.read_text() == render_page(run)
    assert page.stat().st_size < 3_000_000


def test_every_picture_says_what_it_is_and_nothing_is_loaded(run):
    page = Tags()
    page.feed(render_page(run))
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) > 4 + 2 * 4
    assert all(each["alt"] and each["src"].startswith("data:image/") for each in pictures)
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "form")]
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert sum(tag == "script" for tag, _ in page.tags) == 1


def test_the_page_does_not_tell_where_on_the_disk_the_pictures_are(run):
    location = run.recipe.source.location
    assert location not in render_page(run)
    assert str(Path(location).parent) not in render_page(run)


def test_the_page_is_made_without_the_pictures_that_were_learned(run, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / "elsewhere")
    text = write_page(type(run)(copy)).read_text()
    assert "training picture" in text
    assert "lossless WebP" in text


@pytest.mark.parametrize(
    ("asked", "painted_at", "judged"),
    [
        ({}, (), 4),
        ({"temperature": 0.5}, (), 0),
        ({}, (0.5,), 4),
        ({"temperature": 1.0}, (0.5,), 0),
        ({}, (0.5, 1.0), 4),
        ({"temperature": 0.5}, (0.5, 1.0), 4),
        ({"temperature": 0.7}, (0.5, 1.0), 0),
        ({"seed": 7}, (), 0),
    ],
)
def test_what_was_found_stands_under_the_pictures_that_it_was_found_of(
    run, tmp_path, asked, painted_at, judged
):
    recipe = merge(run.recipe.model_dump(), {"painting": {"temperatures": painted_at}})
    again = start(resolve(Recipe.parse(recipe)), tmp_path / "run").run
    evaluate(again.path, samples=4, **asked)
    shown = re.findall(r'alt="painted picture[^>]*><figcaption>', render_page(again))
    assert len(shown) == judged


def test_what_was_found_does_not_stand_under_pictures_of_earlier_weights(run, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / "run")
    evaluate(copy, samples=4)
    os.utime(copy / "samples" / "seed1-0002.png", (1e9, 1e9))
    shown = re.findall(r'alt="painted picture (\d)[^>]*><figcaption>', render_page(type(run)(copy)))
    assert shown == ["1", "2", "4"]


def test_addresses_fit_the_room_and_one_that_is_too_large_is_shrunk():
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    one = len(address(noise[0]))
    assert len(addresses(noise, 2 * one + one // 2)) == 2
    [shrunk] = addresses(noise[:1], one // 3)
    assert len(shrunk) <= one // 3


def test_swatches_are_the_palettes_own_colours():
    palette = np.random.default_rng(1).integers(0, 256, (40, 3), dtype=np.uint8)
    drawn = swatches(palette).reshape(-1, 4)
    assert sorted(map(tuple, drawn[:40, :3])) == sorted(map(tuple, palette))


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium of the system, driven by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_it_fits_complains_of_nothing_and_its_slider_moves(
    browser, run, width, scheme
):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: None if request.url[:5] in ("file:", "data:") else said.append(request.url),
    )
    page.goto((run.path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
    first = page.locator("main img").first
    assert first.evaluate("each => getComputedStyle(each).imageRendering") == "pixelated"
    assert first.bounding_box()["width"] % 12 == 0  # a whole number of pixels each
    slider = page.get_by_role("slider")
    assert page.locator(".moment:visible").count() == 1
    assert page.locator("output").inner_text().startswith("finished")
    slider.fill("0")
    assert page.locator("output").inner_text().startswith("untrained")
    assert page.locator(".moment:visible").get_attribute("data-title") == "untrained"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) == (scheme == "dark")
    assert said == []
    page.close()


def test_in_a_browser_without_script_every_moment_is_there(browser, run):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((run.path / "report.html").as_uri())
    assert page.locator(".moment:visible").count() == 5
    assert page.get_by_role("slider").count() == 0
    context.close()


@pytest.fixture
def copy(run, tmp_path):
    """A run that may be changed."""
    return type(run)(shutil.copytree(run.path, tmp_path / "copy"))


class TestARunOfAStranger:
    @pytest.mark.parametrize(
        ("file", "text"),
        [
            (
                "evolution/moments.json",
                '{"size": [12, 12], "temperatures": [1], "pictures": 2, '
                '"moments": [{"file": "a.png", "epoch": "x", "step": 1, "seconds": 1}]}',
            ),
            (
                "metrics.jsonl",
                '{"epoch": 1, "step": 1, "seconds": 1e308, "progress": 1, '
                '"targets_per_second": 1, "train_bits_per_pixel": -1e308, '
                '"held_out_bits_per_pixel": 1e308}\n',
            ),
            ("evaluation.json", '{"bits": NaN}'),
        ],
    )
    def test_is_refused_in_words_where_a_file_is_not_what_it_should_be(self, copy, file, text):
        (copy.path / file).write_text(text)
        with pytest.raises(RunUnreadable, match=Path(file).name):
            render_page(copy)

    @pytest.mark.parametrize("entry", ["started", "ended", "parameters", "versions"])
    def test_is_refused_where_run_json_says_nonsense(self, copy, entry):
        manifest = copy.manifest
        manifest[entry] = "yesterday"
        copy.directory.write_manifest(manifest)
        with pytest.raises(RunUnreadable, match=entry):
            type(copy)(copy.path)

    def test_is_shown_where_run_json_has_the_least_that_it_must(self, copy):
        manifest = {name: copy.manifest[name] for name in ("state", "plugins", "data", "seed")}
        copy.directory.write_manifest(manifest)
        assert "Versions and timings" in render_page(type(copy)(copy.path))

    def test_is_shown_without_baselines_that_are_none(self, copy):
        (copy.path / "report" / "baselines.json").write_text(
            '{"guessing": "x", "png": 1, "webp": 1}'
        )
        assert "lossless WebP" not in render_page(copy)

    def test_is_shown_without_what_is_only_named_like_a_picture(self, copy):
        (copy.path / "samples" / "seed0-te-0000.png").write_bytes(b"")
        (copy.path / "samples" / "seed1-te-0000.png").write_bytes(b"")
        assert render_page(copy)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
    @pytest.mark.parametrize("file", ["evaluation.json", "samples/seed{}-0009.png"])
    def test_is_not_waited_for(self, copy, file):
        os.mkfifo(copy.path / file.format(copy.recipe.seed))
        with pytest.raises(RunUnreadable, match="no regular file"):
            render_page(copy)


def test_the_page_is_made_where_the_tokenizers_plugin_is_not_installed(copy):
    recipe = copy.directory.recipe
    recipe.write_text(recipe.read_text().replace('"rgb-grid"', '"of-another-plugin"'))
    page = render_page(type(copy)(copy.path))
    assert "How well it predicts" in page
    assert "The palette" not in page


class TestTheRecipeOnThePage:
    def recipe_of(self, run):
        links = Tags()
        links.feed(render_page(run))
        (address,) = [each["href"] for tag, each in links.tags if tag == "a" and "download" in each]
        return Recipe.parse(tomllib.loads(base64.b64decode(address.partition(",")[2]).decode()))

    def written(self, run, **sections):
        merged = merge(run.recipe.model_dump(mode="json", exclude_none=True), sections)
        run.directory.recipe.write_text(Recipe.parse(merged).toml())
        return type(run)(run.path)

    def test_names_a_folder_and_not_where_it_is(self, copy):
        assert self.recipe_of(copy).source.location == "pictures"
        assert "put the pictures where" in render_page(copy)

    @pytest.mark.parametrize(
        ("location", "shown"),
        [
            ("owner/name", "owner/name"),
            ("https://me:secret@host.org/a/b.tar?key=secret", "https://host.org/a/b.tar"),
            ("/home/me/shards/{0..9}.tar", "{0..9}.tar"),
            ("pipe:curl -H 'Authorization: secret' https://host/{0..9}.tar", "pipe:…"),
            ("file:///home/secret/x.tar", "x.tar"),
            ("~/secret/x.tar", "x.tar"),
            ("work/secret/pictures", "pictures"),
            ("https://host?token=secret", "https://host"),
            ("https://host/a#secret", "https://host/a"),
            ("s3://K:secret/more@bucket/x", "s3://bucket/x"),
            ("https://a:secret@h/x.tar::https://b:secret@h/y", "https://h/x.tar::https://h/y"),
        ],
    )
    def test_keeps_addresses_and_no_secrets(self, copy, location, shown):
        run = self.written(copy, source={"location": location})
        assert self.recipe_of(run).source.location == shown
        assert "secret" not in render_page(run)

    def test_tells_neither_a_palettes_folder_nor_a_clusters_address(self, copy):
        run = self.written(
            copy,
            tokenizer={"name": "rgb-grid"},
            sampler={"file": "/home/alice/x.gpl", "more": ["/home/alice/y.gpl", 3]},
            executor={"name": "ray", "address": "ray://10.0.0.5:10001"},
        )
        recipe = self.recipe_of(run)
        assert recipe.sampler.options["file"] == "x.gpl"
        assert recipe.sampler.options["more"] == ["y.gpl", 3]
        assert "10.0.0.5" not in render_page(run)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_run_in_a_folder_that_is_not_utf8_has_its_page(copy):
    place = copy.path.rename(os.fsdecode(os.fsencode(copy.path.parent) + b"/caf\xe9"))
    assert "caf\\xe9" in write_page(type(copy)(place)).read_text()
