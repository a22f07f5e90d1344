"""Tone curves, beside littleCMS."""

from __future__ import annotations

import struct

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from convcli.errors import InputError
from convcli.images.curves import BT709, LINEAR, SRGB, Parametric, Table, curves_of
from convcli.images.image import Metadata

VALUES = np.linspace(0, 1, 1001)


@pytest.mark.parametrize("curve", [SRGB, BT709, LINEAR, Parametric(2.2), Table(VALUES**1.8)])
def test_what_is_decoded_is_encoded_again_and_mirrored_below_zero(curve):
    light = curve.decoded(VALUES)
    np.testing.assert_allclose(curve.encoded(light), VALUES, atol=1e-6)
    np.testing.assert_array_equal(curve.decoded(-VALUES), -light)
    assert (np.diff(light) >= 0).all()


def test_srgb_is_iec_61966():
    assert SRGB.decoded(np.array([0.5]))[0] == pytest.approx(0.21404114)
    assert SRGB.decoded(np.array([0.04]))[0] == pytest.approx(0.04 / 12.92)
    assert SRGB.encoded(np.array([0.5]))[0] == pytest.approx(0.73535698)
    assert SRGB.encoded(np.array([0.001]))[0] == pytest.approx(0.01292)


def test_the_profile_that_littlecms_makes_of_srgb_has_its_curve():
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    curves = curves_of(Metadata(profile))
    assert len(curves) == 3
    for curve in curves:
        np.testing.assert_allclose(curve.decoded(VALUES), SRGB.decoded(VALUES), atol=2e-4)


def profile_with(curve, colours=b"RGB "):
    """Return a profile whose channels have a curve: an RGB one of littleCMS with other curves in it."""
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    head = profile[:16] + colours + profile[20:128]
    names = [b"kTRC"] if colours == b"GRAY" else [b"rTRC", b"gTRC", b"bTRC"]
    start = 132 + 12 * len(names)
    tags = b"".join(struct.pack(">4sII", name, start, len(curve)) for name in names)
    return head + struct.pack(">I", len(names)) + tags + curve


CURV, PARA = b"curv\0\0\0\0", b"para\0\0\0\0"


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (CURV + struct.pack(">I", 0), VALUES),
        (CURV + struct.pack(">IH", 1, 461), VALUES ** (461 / 256)),
        (CURV + struct.pack(">I3H", 3, 0, 13107, 65535), np.interp(VALUES, [0, 0.5, 1], [0, 0.2, 1])),
        (PARA + struct.pack(">HHi", 0, 0, 65536 * 2), VALUES**2),
        (
            PARA + struct.pack(">HH3i", 1, 0, 131072, 58982, 6554),
            (VALUES * 58982 / 65536 + 6554 / 65536) ** 2,
        ),
    ],
)
def test_curves_are_read_as_icc_defines_them(curve, expected):
    for colours in (b"RGB ", b"GRAY"):
        found = curves_of(Metadata(profile_with(curve, colours)))
        assert len(found) == (1 if colours == b"GRAY" else 3)
        np.testing.assert_allclose(found[0].decoded(VALUES), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("metadata", "curve"),
    [
        (Metadata(), SRGB),
        (Metadata(colour=((b"sRGB", b"\0"), (b"gAMA", b"\0\1\x86\xa0"))), SRGB),
        (Metadata(colour=((b"gAMA", struct.pack(">I", 45455)),)), SRGB),
        (Metadata(colour=((b"gAMA", struct.pack(">I", 100_000)),)), Parametric(1.0)),
        (Metadata(colour=((b"cICP", bytes([1, 8, 0, 1])),)), LINEAR),
        (Metadata(colour=((b"cICP", bytes([1, 1, 0, 1])), (b"sRGB", b"\0"))), BT709),
    ],
)
def test_a_png_file_s_chunks_say_it(metadata, curve):
    assert curves_of(metadata) == (curve,)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (Metadata(colour=((b"cICP", bytes([9, 16, 0, 1])),)), "coded for film"),
        (Metadata(bytes(36) + b"acsp" + bytes(160)), "a table of colours in the place of tone curves"),
        (Metadata(profile_with(CURV + struct.pack(">I2H", 2, 9, 3))), "damaged, or fall"),
        (Metadata(profile_with(b"xxxx")), "damaged, or fall"),
    ],
)
def test_what_is_no_curve_is_refused(metadata, said):
    with pytest.raises(InputError, match=said):
        curves_of(metadata)
