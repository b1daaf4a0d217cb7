"""Class sheets: what is on the paper, and that the QR says it too."""

import base64
import dataclasses
import re
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from lxml import html
from playwright.sync_api import Page

from cardsvc.schools.codes import IssuedCode, new_code
from cardsvc.schools.sheets import STYLESHEET, Sheet, render_sheet

SHEET = Sheet(
    "Lycée des <Lumières>",
    "2GT03",
    "Région d'Ambre",
    "https://ambre.example/",
    ZoneInfo("Europe/Paris"),
)


@pytest.fixture
def codes():
    expires = datetime(2027, 1, 23, 23, 30, tzinfo=UTC)
    return [
        IssuedCode(uuid4(), f"Élève <{n}> EXEMPLE", "2GT03", new_code(), expires) for n in range(9)
    ]


def test_each_pupil_has_a_slip_and_a_page_holds_eight(codes):
    page = html.fromstring(render_sheet(SHEET, codes))
    assert [len(part.xpath("./article")) for part in page.xpath("//section")] == [8, 1]
    assert [node.text for node in page.xpath("//article/h2")] == [code.name for code in codes]
    assert [node.text for node in page.xpath("//p[@class='code']")] == [code.code for code in codes]
    first = page.xpath("//article")[0].text_content()
    assert "ambre.example/enrol" in first
    assert "Lycée des <Lumières>" in first
    # 23:30 UTC is the next day in Paris.
    assert "jusqu'au 24 janvier 2027" in first


GREY_POINTS = """async (png) => {
  const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const points = canvas.getImageData(0, 0, picture.width, picture.height).data;
  let grey = "";
  for (let at = 1; at < points.length; at += 4) grey += String.fromCharCode(points[at]);
  return [picture.width, picture.height, btoa(grey)];
}"""


class Pixels:
    """A grey picture for zxing-cpp, which reads anything with the buffer of an array."""

    def __init__(self, page: Page, png: bytes) -> None:
        width, height, points = page.evaluate(GREY_POINTS, base64.b64encode(png).decode())
        self.view = memoryview(base64.b64decode(points)).cast("B", (height, width))


def test_every_printed_qr_opens_the_page_with_its_code_in_the_fragment(codes, chromium):
    page = chromium.new_page(viewport={"width": 900, "height": 1300}, device_scale_factor=2)
    page.emulate_media(media="print")
    page.set_content(render_sheet(SHEET, codes))
    sheets = page.locator(".sheet").all()
    read = [
        found.text
        for sheet in sheets
        for found in zxingcpp.read_barcodes(Pixels(page, sheet.screenshot()).view)
    ]
    page.close()
    assert sorted(read) == sorted(f"https://ambre.example/enrol#{code.code}" for code in codes)


def test_a_sheet_is_one_a4_page_and_no_slip_overflows(codes, chromium):
    page = chromium.new_page(viewport={"width": 900, "height": 1300})
    longest = "Marie-Clémentine-Joséphine DE LA TOUR DU PIN-VERCLAUSE"
    long = [dataclasses.replace(code, name=longest) for code in codes]
    page.set_content(render_sheet(SHEET, long))
    page.emulate_media(media="print")
    overflowing = page.evaluate(
        "() => [...document.querySelectorAll('.slip, .sheet')]"
        ".filter(e => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1).length"
    )
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    assert overflowing == 0
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2


def test_a_file_stands_alone_and_a_page_names_its_style(codes):
    alone = render_sheet(SHEET, codes)
    assert STYLESHEET.read_text(encoding="utf-8") in alone
    served = render_sheet(SHEET, codes, stylesheet_url="/static/schools/sheets.css")
    assert "<style" not in served
    assert " style=" not in served
    assert "<script" not in served
    assert 'href="/static/schools/sheets.css"' in served


def test_nobody_to_print_for_says_so():
    page = html.fromstring(render_sheet(SHEET, []))
    assert not page.xpath("//article")
    assert "rien à imprimer" in page.text_content()
