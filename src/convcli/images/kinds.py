"""The kinds of image files that there are, each with all that is known of it: to add one, add it here."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from convcli.errors import UsageError
from convcli.images import gif
from convcli.images.kind import Format, Kind, Read, Several, later
from convcli.images.magic import branded, is_tga
from convcli.images.pillow_writing import beyond_jpeg, by_pillow, in_colour, of_avif, of_jpeg, of_webp
from convcli.registry import Registry
from convcli.wording import shown, suggestion

_BITS_8_AND_16 = ("uint8", "uint16")
_HALVES = ("float16", "float32")
_NUMBERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_NUMBERS += ("float16", "float32", "float64")

_EMBEDDED = ("icc_profile", "exif", "xmp")
_PHOTO = ("icc_profile", "dpi", "exif", "xmp")

KINDS = (
    Kind(
        "PNG",
        rb"\x89PNG",
        Read("1, 2, 4, 8, 16 bits", "grey, RGB, palette", alpha=True, keeps=(*_PHOTO, "colour")),
        pillow="PngImagePlugin",
        decode=later("png.reading", "decode"),
        frames=later("frames.apng", "frames_of"),
        damaged=True,
        formats={
            "png": Format(
                (".png", ".apng"),
                later("png.writing", "encode"),
                dtypes=_BITS_8_AND_16,
                alpha=True,
                metadata=(*_PHOTO, "colour"),
                beyond=later("png.writing", "beyond"),
                proposed=True,
                several=Several(later("frames.apng_writing", "write"), 0, one_kind=True),
            )
        },
    ),
    Kind(
        "JPEG",
        rb"\xff\xd8\xff",
        Read(colours="grey, RGB, CMYK¹", keeps=_PHOTO),
        pillow="JpegImagePlugin",
        frames=later("frames.pillow", "frames_of"),
        damaged=True,
        read_only=(".jfif",),
        formats={
            "jpeg": Format(
                (".jpg", ".jpeg"),
                by_pillow("JPEG", options=of_jpeg),
                metadata=_PHOTO,
                loss="always",
                beyond=beyond_jpeg,
                proposed=True,
            )
        },
    ),
    Kind(
        "WEBP",
        rb"RIFF.{4}WEBP",
        Read(colours="RGB", alpha=True, keeps=_EMBEDDED),
        pillow="WebPImagePlugin",
        frames=later("frames.webp", "frames_of"),
        formats={
            "webp": Format(
                (".webp",),
                by_pillow("WEBP", options=of_webp),
                alpha=True,
                metadata=_EMBEDDED,
                loss="either",
                proposed=True,
                several=Several(later("frames.webp_writing", "write"), 1000),
            )
        },
    ),
    Kind(
        "TIFF",
        rb"II\*\0(?!.{4}CR)|II\+\0|MM\0[*+]",  # no raw file of Canon's; + has places of 64 bits
        Read(
            "1 to 64 bits with or without sign; floats of 16, 24, 32, 64 bits",
            "any number; palette, CMYK¹, YCbCr¹, Lab¹",
            alpha=True,
            keeps=(*_PHOTO, "nodata"),
        ),
        pillow="TiffImagePlugin",
        decode=later("tiff.reading", "decode"),
        frames=later("frames.tiff", "TiffFrames"),
        formats={
            "tiff": Format(
                (".tif", ".tiff"),
                later("tiff.writing", "encode"),
                dtypes=_NUMBERS,
                alpha=True,
                any_channels=True,
                metadata=_PHOTO,
                proposed=True,
                several=Several(later("frames.tiff_writing", "write"), one_size=False),
            )
        },
    ),
    Kind(
        "BMP",
        rb"BM",
        Read("1 to 8 bits; 16 of bit fields", "grey, RGB, palette", alpha=True, keeps=("dpi",)),
        pillow="BmpImagePlugin",
        decode=later("bmp", "decode"),
        damaged=True,
        formats={"bmp": Format((".bmp",), by_pillow("BMP"), metadata=("dpi",), proposed=True)},
    ),
    Kind(
        "GIF",
        rb"GIF8",
        Read(colours="palette", alpha=True),
        pillow="GifImagePlugin",
        frames=later("frames.gif", "frames_of"),
        damaged=True,
        formats={
            "gif": Format(
                (".gif",),
                by_pillow("GIF", gif.with_palette),
                beyond=gif.beyond,
                proposed=True,
                several=Several(later("frames.gif_writing", "write"), 100, any_alpha=True),
            )
        },
    ),
    Kind(
        "AVIF",
        branded(b"avif", b"avis"),
        Read("8 bits; 10, 12²", alpha=True, keeps=_EMBEDDED, needs="imagecodecs for more than 8 bits"),
        pillow="AvifImagePlugin",
        decode=later("deep", "decode"),
        frames=later("frames.pillow", "frames_of"),
        read_only=(".avifs",),
        formats={
            "avif": Format(
                (".avif",), by_pillow("AVIF", options=of_avif), alpha=True, metadata=_EMBEDDED, loss="always"
            )
        },
    ),
    Kind(
        "JPEG2000",
        rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",  # in its container, and without
        Read(
            "8 bits; 16 of grey; up to 16 of colours²",
            "grey, RGB, CMYK¹",
            alpha=True,
            keeps=("dpi",),
            needs="imagecodecs for colours of more than 8 bits",
        ),
        pillow="Jpeg2KImagePlugin",
        decode=later("deep", "decode"),
        read_only=(".j2k", ".j2c", ".jpc", ".jpx"),
        formats={
            "jp2": Format(
                (".jp2",), later("deep", "encode_jp2"), dtypes=_BITS_8_AND_16, alpha=True, loss="either"
            )
        },
    ),
    Kind(
        "JXL",
        rb"\0\0\0\x0cJXL |\xff\x0a",
        Read(
            "1 to 16 bits, floats of 16 and 32",
            alpha=True,
            keeps=_EMBEDDED,
            needs="imagecodecs, pillow-jxl-plugin",
        ),
        decode=later("jxl", "decode"),
        formats={
            "jxl": Format(
                (".jxl",),
                later("jxl", "encode"),
                dtypes=(*_BITS_8_AND_16, *_HALVES),
                alpha=True,
                metadata=("exif", "xmp"),
                loss="either",
                needs="imagecodecs",
            )
        },
    ),
    Kind(
        "HEIF",
        branded(b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
        Read("8, 10, 12 bits", alpha=True, keeps=_EMBEDDED, needs="pillow-heif"),
        decode=later("heif", "decode"),
        read_only=(".heif", ".hif"),
        formats={
            "heic": Format(
                (".heic",),
                later("heif", "encode"),
                alpha=True,
                metadata=_EMBEDDED,
                loss="always",
                needs="pillow_heif",
            )
        },
    ),
    Kind(
        "EXR",
        rb"\x76\x2f\x31\x01",
        Read("floats of 16 and 32 bits, uint32", "any number", alpha=True, needs="OpenEXR"),
        decode=later("exr", "decode"),
        formats={
            "exr": Format((".exr",), later("exr", "encode"), dtypes=_HALVES, alpha=True, needs="OpenEXR")
        },
    ),
    Kind(
        "HDR",
        rb"#\?(RADIANCE|RGBE)",
        Read("floats of 32 bits", "RGB", needs="imagecodecs"),
        decode=later("hdr", "decode"),
        formats={"hdr": Format((".hdr",), later("hdr", "encode"), dtypes=_HALVES, needs="imagecodecs")},
    ),
    Kind(
        "PPM",
        rb"P[1-6][\n\r \t#]",
        Read("1, 8, 16 bits"),
        pillow="PpmImagePlugin",
        decode=later("pnm", "decode"),
        read_only=(".pbm",),
        formats={
            "ppm": Format((".ppm", ".pnm"), later("netpbm", "encode_pnm"), dtypes=_BITS_8_AND_16),
            "pgm": Format((".pgm",), later("netpbm", "encode_pnm"), dtypes=_BITS_8_AND_16, channels=(1,)),
        },
    ),
    Kind(
        "PAM",
        rb"P7\n",
        Read("1 to 16 bits", alpha=True),
        decode=later("netpbm", "decode_pam"),
        formats={"pam": Format((".pam",), later("netpbm", "encode_pam"), dtypes=_BITS_8_AND_16, alpha=True)},
    ),
    Kind(
        "PFM",
        rb"P[Ff]\n",
        Read("floats of 32 bits"),
        decode=later("netpbm", "decode_pfm"),
        formats={"pfm": Format((".pfm",), later("netpbm", "encode_pfm"), dtypes=_HALVES)},
    ),
    Kind(
        "TGA",
        is_tga,
        Read("5, 8 bits", "grey, RGB, palette", alpha=True),
        pillow="TgaImagePlugin",
        formats={
            "tga": Format(
                (".tga",), by_pillow("TGA", options=lambda _: {"compression": "tga_rle"}), alpha=True
            )
        },
    ),
    Kind(
        "QOI",
        rb"qoif",
        Read(colours="RGB", alpha=True),
        pillow="QoiImagePlugin",
        formats={"qoi": Format((".qoi",), by_pillow("QOI", in_colour), alpha=True)},
    ),
    Kind(
        "NPY",
        rb"\x93NUMPY",
        Read("all of NumPy's numbers, bool", "any number", alpha=True),
        decode=later("npy", "decode"),
        frames=later("frames.npy", "frames_of"),
        formats={
            "npy": Format(
                (".npy",),
                later("npy", "encode"),
                dtypes=None,
                alpha_of=_BITS_8_AND_16,  # a fourth channel of floats would be no alpha
                any_channels=True,
                proposed=True,
                several=Several(later("frames.npy_writing", "write"), one_kind=True),
            )
        },
    ),
    Kind(
        "PSD",
        rb"8BPS",
        Read(
            "1, 8 bits, the whole picture",
            "grey, RGB, palette, CMYK¹, Lab¹",
            alpha=True,
            keeps=("icc_profile",),
        ),
        pillow="PsdImagePlugin",
        read_only=(".psd",),
    ),
    Kind(
        "ICO",
        rb"\0\0\x01\0",
        Read("1 to 8 bits, the largest of the pictures", "RGB, palette", alpha=True),
        pillow="IcoImagePlugin",
        read_only=(".ico",),
    ),
    Kind(
        "DDS",
        rb"DDS ",
        Read("8 bits; 16 of BC6H are read as 8", "grey, RGB, palette", alpha=True),
        pillow="DdsImagePlugin",
        decode=later("deep", "decode_as_8_bits"),
        read_only=(".dds",),
    ),
    Kind(
        "PCX",
        rb"\x0a[\x00\x02-\x05]\x01",
        Read("1 to 8 bits", "grey, RGB, palette", keeps=("dpi",)),
        pillow="PcxImagePlugin",
        read_only=(".pcx",),
    ),
    Kind(
        "SGI",
        rb"\x01\xda",
        Read("8 bits; 16 are read as 8", alpha=True),
        pillow="SgiImagePlugin",
        decode=later("deep", "decode_as_8_bits"),
        read_only=(".sgi", ".rgb", ".bw"),
    ),
)
"""By what is tried first, and proposed first where another cannot hold an image."""

FORMATS: Registry[Format] = Registry("image format")
"""Those that images are written in, by name."""

for _kind in KINDS:
    for _name, _format in _kind.formats.items():
        FORMATS.register(_name)(_format)

ENDINGS = {ending: name for name, one in FORMATS.items() for ending in one.endings}
"""What names of files end in → the format that it means."""

READ_ONLY = tuple(ending for kind in KINDS for ending in kind.read_only)
"""What else names of files that are read end in."""


def format_of(path: Path) -> str:
    """Return the format that the suffix of `path` names, or raise `UsageError`."""
    suffix = path.suffix.lower()
    if suffix in READ_ONLY:
        raise UsageError(f"{shown(path)}: files of this ending are read, not written; take .png or .tif.")
    if suffix not in ENDINGS:
        usual = [ending for ending, name in ENDINGS.items() if FORMATS[name].proposed]
        known = usual if get_close_matches(suffix, usual, n=1) else ENDINGS
        hint = suggestion(suffix, known) if suffix else f" Known: {', '.join(ENDINGS)}."
        raise UsageError(f"{shown(path)}: the file's ending must name an image format.{hint}")
    return ENDINGS[suffix]
