"""The table, the plots and the page: complete, and harmless whatever things are called."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from comparison.small import HOSTILE_PICTURE, HOSTILE_SETTING
from PIL import Image
from rich.console import Console

from pixelgen.comparison.page import render_page
from pixelgen.comparison.plot import plot_bits, plot_rate_distortion
from pixelgen.comparison.table import as_csv, as_json, cells, short, terminal_table
from pixelgen.report.drawing import Line

FILES = ("compare.html", "compare.json", "compare.csv", "bits.svg", "bits.png")


def shown(ranking, width):
    console = Console(width=width, file=io.StringIO())
    console.print(terminal_table(ranking, width))
    return console.file.getvalue()


def test_every_file_is_there(compared):
    assert all((compared.directory / name).stat().st_size for name in FILES)


def test_the_table_is_one_where_it_fits_and_two_where_it_does_not(compared):
    wide, narrow = shown(compared.ranking, 200), shown(compared.ranking, 80)
    assert wide.count("setting") == 1
    assert narrow.count("setting") == 2
    assert all(len(line) <= 80 for line in narrow.splitlines())
    for word in ("order 0", "best", "dB", "targets/s", "pixels/s", "memory", "energy"):
        assert word in wide
        assert word in narrow


def test_a_row_says_what_is_known_and_dashes_what_is_not(compared):
    row = cells(compared.ranking.rows[0])
    assert "±" in row["bits/pixel"]
    assert row["behind"] == "best"
    assert row["memory"] == "–" or row["memory"].endswith("B")
    assert set(row) >= {"setting", "MSE", "PSNR", "total bits", "parameters", "energy"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (575, "575 B"), (1_340_000, "1.34 MB"), (999_900, "1 MB"), (5.081e8, "508 MB")],
)
def test_numbers_are_short(value, text):
    assert short(value, "B") == text


def test_json_holds_every_picture_of_every_run(compared):
    read = json.loads((compared.directory / "compare.json").read_text())
    assert read == json.loads(json.dumps(as_json(compared)))
    assert read["ranked_by"] == "held_out_bits_per_pixel"
    pictures = len(read["held_out"]["names"])
    for setting in read["settings"]:
        by_picture = [run["held_out_bits_per_pixel_by_picture"] for run in setting["runs"]]
        assert np.shape(by_picture) == (2, pictures)
        assert np.mean(by_picture) == pytest.approx(setting["held_out_bits_per_pixel"])
        assert all(run["curve"] for run in setting["runs"])


def test_csv_has_a_line_a_setting(compared):
    lines = list(csv.DictReader(io.StringIO(as_csv(compared.ranking))))
    assert [line["setting"] for line in lines] == [row.name for row in compared.ranking.rows]
    assert float(lines[1]["behind_best"]) > 0
    assert lines[0]["behind_best"] == ""


def test_plots_are_well_formed_and_say_their_names(compared):
    for plot in (plot_bits(compared.ranking), plot_rate_distortion(compared.ranking)):
        root = ET.fromstring(plot.svg())
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "order 0" in words
        assert root.find(".//{http://www.w3.org/2000/svg}script") is None
        with Image.open(io.BytesIO(plot.png())) as image:
            assert image.size == (2 * plot.width, 2 * plot.height)
            assert len(image.getcolors(1 << 20)) > 10  # something is on it


def test_a_plot_leads_from_the_first_measurement_to_the_last(compared):
    lines = [mark for mark in plot_bits(compared.ranking).marks if isinstance(mark, Line)]
    assert sum(len(line.points) == 2 and line.width == 1.6 for line in lines) == 4  # 2 epochs


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data


def test_the_page_cannot_be_made_to_do_anything(compared):
    page = Tags()
    page.feed(render_page(compared))
    assert HOSTILE_PICTURE in compared.ranking.rows[0].runs[0].measurement.held_out.names
    assert HOSTILE_PICTURE in page.words
    assert HOSTILE_SETTING.replace("\x1b", "\\x1b") in page.words
    assert not [
        tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "link", "form")
    ]
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert attributes["src"].startswith("data:image/png;base64,")


def test_the_page_shows_pictures_of_every_setting(compared):
    page = Tags()
    page.feed(render_page(compared))
    pictures = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert sum(alt.startswith("Pictures painted by") for alt in pictures) == 2
    assert pictures.count("Held-out pictures") == 1
    assert sum("decoded" in alt for alt in pictures) == 1  # both settings read them alike
    assert sum(tag == "svg" for tag, _ in page.tags) == 1
