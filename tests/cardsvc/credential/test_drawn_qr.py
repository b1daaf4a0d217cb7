"""The picture: drawn by segno, read back by decoders that know nothing of us."""

import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import segno
import zxingcpp


class Pixels:
    """A grey picture for zxing-cpp, which reads anything with the buffer of an array."""

    def __init__(self, pgm: bytes) -> None:
        kind, size, top, body = pgm.split(b"\n", 3)
        assert (kind, top) == (b"P5", b"255")
        width, height = map(int, size.split())
        self.view = memoryview(body).cast("B", (height, width))


def greyscale(code: segno.QRCode) -> bytes:
    """Draw as a PGM picture, four points a module."""
    rows = list(code.matrix_iter(scale=4, border=4))
    body = b"".join(bytes(0 if dark else 255 for dark in row) for row in rows)
    return b"P5\n%d %d\n255\n" % (len(rows[0]), len(rows)) + body


@pytest.mark.parametrize("error_level", ["L", "M"])
def test_a_drawn_qr_is_alphanumeric_and_is_read_back_by_two_decoders(
    error_level: str, phone: Any, at: datetime, tmp_path: Path
) -> None:
    text = phone.qr(at)
    code = segno.make(text, error=error_level, boost_error=False, micro=False)
    assert code.mode == "alphanumeric"
    assert int(code.version) <= 13

    pgm = greyscale(code)
    picture = tmp_path / "qr.pgm"
    picture.write_bytes(pgm)

    read = zxingcpp.read_barcodes(Pixels(pgm).view, formats=zxingcpp.BarcodeFormat.QRCode)
    assert [result.text for result in read] == [text]

    zbar = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", str(picture)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert zbar.stdout.decode("ascii") == text + "\n"


def test_a_text_that_ends_in_a_space_survives_the_picture() -> None:
    text = "SES1:ABC "
    pgm = greyscale(segno.make(text, micro=False))
    read = zxingcpp.read_barcodes(Pixels(pgm).view)
    assert [result.text for result in read] == [text]
