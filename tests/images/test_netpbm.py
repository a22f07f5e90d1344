"""PFM and PAM files, as Netpbm defines them."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import InputError, OutputError
from convcli.images import Image, encode
from image_files import ALPHA, DEEP, RGB, read_bytes


def test_a_pfm_file_has_its_lowest_row_first_and_either_order_of_bytes():
    values = np.array([[3, 4], [1, 2]], np.float32)
    for order, scale in (("<f4", "-1.0"), (">f4", "1.0")):
        data = f"Pf\n2 2\n{scale}\n".encode() + values[::-1].astype(order).tobytes()
        assert read_bytes(data).pixels.tolist() == [[3, 4], [1, 2]]
    assert encode(Image(values), "pfm") == b"Pf\n2 2\n-1.0\n" + values[::-1].tobytes()


def test_a_scale_that_is_not_applied_is_said():
    data = b"PF\n1 1\n-2.5\n" + np.ones(3, "<f4").tobytes()
    image = read_bytes(data)
    assert image.pixels.shape == (1, 1, 3)
    assert "its scale of 2.5 is not applied" in image.notes[0]


def test_a_pam_file_with_comments_and_any_largest_value():
    head = b"P7\n# a comment\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 3\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n"
    image = read_bytes(head + bytes([0, 3, 3, 1]))
    assert (image.pixels.tolist(), image.alpha.tolist()) == ([[0, 255]], [[255, 85]])


def test_sixteen_bits_stand_highest_byte_first():
    assert encode(Image(np.array([[258]], np.uint16)), "ppm") == b"P5\n1 1\n65535\n\x01\x02"
    again = read_bytes(encode(Image(np.dstack([DEEP] * 3), DEEP), "pam"))
    np.testing.assert_array_equal(again.alpha, DEEP)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PF\n9 9\n", "expected a PFM file's width, height and scale"),
        (b"Pf\n9 9\n-1\nxx", "rows are missing"),
        (b"Pf\n999999999 999999999\n-1\n", "are more than"),
        (b"Pf\n0 5\n-1\n", "found 5 × 0"),
        (b"P7\nWIDTH 1\nENDHDR\n", "expected a PAM file's WIDTH"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 9\nMAXVAL 255\nENDHDR\n", "depth 9"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 70000\nENDHDR\n", "largest value 70000"),
        (b"P7\nWIDTH 99999\nHEIGHT 99999\nDEPTH 1\nMAXVAL 255\nENDHDR\n", "are more than"),
    ],
)
def test_what_is_damaged_or_too_large_is_said(data, said):
    with pytest.raises(InputError, match=said):
        read_bytes(data)


def test_colours_and_alpha_of_eight_bits_come_back():
    again = read_bytes(encode(Image(RGB, ALPHA), "pam"))
    np.testing.assert_array_equal(again.samples, np.dstack([RGB, ALPHA]))


def test_a_pgm_file_is_grey():
    assert encode(Image(np.array([[7]], np.uint8)), "pgm") == b"P5\n1 1\n255\n\x07"
    with pytest.raises(OutputError, match=r"PGM cannot hold uint8 RGB pixels; use \.png"):
        encode(Image(np.zeros((1, 1, 3), np.uint8)), "pgm")
