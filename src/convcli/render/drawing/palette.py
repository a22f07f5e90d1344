"""The colours of explanations, for light and for dark: all renderers take them from here."""

from __future__ import annotations

from dataclasses import dataclass

HEAT_STEPS = 10
SHADE_STEPS = 16
LINK_COLOURS = 9


@dataclass(frozen=True)
class Colour:
    """One colour on a light ground and on a dark one, as `#rrggbb`."""

    light: str
    dark: str


def _between(start: str, end: str, share: float) -> str:
    pairs = zip(bytes.fromhex(start[1:]), bytes.fromhex(end[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * share) for a, b in pairs).hex()


# The channels of a photo, and others, which are told apart from each other and from a window's yellow.
_TINTS = (
    *(("#ff9f92", "#7c2b1f"), ("#cbf1c3", "#28702f"), ("#a9c9ff", "#1b4a8e")),
    *(("#cdecfc", "#17607e"), ("#d0b9ec", "#5d4494"), ("#8fcfb6", "#0d5442")),
    *(("#fbdbe4", "#8c4360"), ("#b9c0ca", "#38414d"), ("#95a3e3", "#232a5c")),
)
# Of a solid the top lies in the light and the side in the shadow.
_FACES = {
    "tint": (("#ffffff", 0.0), ("#ffffff", 0.0)),
    "tinttop": (("#ffffff", 0.45), ("#ffffff", 0.14)),
    "tintside": (("#000000", 0.13), ("#000000", 0.25)),
}
_SHADES = {"grey": "#ffffff", "red": "#ff0000", "green": "#00ff00", "blue": "#0000ff"}

WARMEST_COLDEST = ("#b35806", "#2166ac")
"""Of weights and responses, positive and negative: the ends of ColorBrewer's PuOr and RdBu (Brewer, 2003)."""

COLOURS: dict[str, Colour] = {
    "ground": Colour("#ffffff", "#0d1117"),
    "cell": Colour("#ffffff", "#161b22"),
    "ink": Colour("#1f2328", "#e6edf3"),
    "muted": Colour("#59636e", "#9aa4af"),
    "line": Colour("#b6bec8", "#4a5460"),
    "faint": Colour("#dde2e8", "#2a323c"),
    "window": Colour("#ffe08a", "#6b5200"),
    "padding": Colour("#e8ebef", "#232a33"),
    "kernel": Colour("#cfe3ff", "#123f75"),
    "result": Colour("#7fd698", "#1c7a3a"),
    "done": Colour("#dff4e5", "#14381f"),
    "chosen": Colour("#ff9d66", "#9c4410"),
    "unused": Colour("#ffffff", "#161b22"),
    "cross": Colour("#d1242f", "#f0716b"),
    "box": Colour("#e5322d", "#ff7b72"),
    "block": Colour("#cfe3ff", "#123f75"),
    "block_side": Colour("#a9cbf5", "#0d2f58"),
    "block_top": Colour("#e3effd", "#1a528f"),
    **{
        f"heat{step}": Colour(
            _between("#ffffff", "#f07f1f", step / HEAT_STEPS),
            _between("#161b22", "#9f4a08", step / HEAT_STEPS),
        )
        for step in range(HEAT_STEPS + 1)
    },
    **{
        f"right{step}": Colour(
            _between("#ffffff", "#7fd698", step / HEAT_STEPS),
            _between("#161b22", "#1c7a3a", step / HEAT_STEPS),
        )
        for step in range(HEAT_STEPS + 1)
    },
    **{
        f"{part}{number}": Colour(_between(light, *of_light), _between(dark, *of_dark))
        for number, (light, dark) in enumerate(_TINTS)
        for part, (of_light, of_dark) in _FACES.items()
    },
    # A pixel's own colour, whatever the screen around it; and letters on it.
    **{
        f"{hue}{level}": Colour(colour, colour)
        for hue, brightest in _SHADES.items()
        for level in range(SHADE_STEPS + 1)
        for colour in [_between("#000000", brightest, level / SHADE_STEPS)]
    },
    "onlight": Colour("#000000", "#000000"),
    "ondark": Colour("#ffffff", "#ffffff"),
    # Told apart by people who confuse red and green, too: after Okabe and Ito, 2008.
    "link0": Colour("#0072b2", "#56b4e9"),
    "link1": Colour("#d55e00", "#ff8a3c"),
    "link2": Colour("#009e73", "#2fd3a5"),
    "link3": Colour("#b8559a", "#e493c6"),
    "link4": Colour("#8a6d00", "#f0e442"),
    "link5": Colour("#3a3f9e", "#9aa0ff"),
    "link6": Colour("#6b6b6b", "#c0c0c0"),
    "link7": Colour("#8c2d04", "#d9784a"),
    "link8": Colour("#118ab2", "#7fe0f5"),
}


# Those parts of a solid that stand out are solids, too.
COLOURS |= {
    f"{role}_{part}": Colour(_between(COLOURS[role].light, *of_light), _between(COLOURS[role].dark, *of_dark))
    for role in ("window", "kernel", "result", "done", "padding")
    for part, (of_light, of_dark) in (("top", _FACES["tinttop"]), ("side", _FACES["tintside"]))
}


def heat(value: float, hottest: float, hue: str = "heat") -> str:
    """Return the name of the colour of a value from 0 to `hottest`; the hue is "heat" or "right".

    >>> heat(0, 9), heat(9, 9), heat(0.5, 1, "right")
    ('heat0', 'heat10', 'right5')
    """
    return f"{hue}{round(HEAT_STEPS * min(max(value / hottest, 0.0), 1.0))}"


def shade(hue: str, value: float) -> tuple[str, str]:
    """Return the names of the colours of a pixel from 0 to 255, and of what is written on it.

    >>> shade("grey", 255), shade("red", 120), shade("blue", 300)
    (('grey16', 'onlight'), ('red8', 'ondark'), ('blue16', 'ondark'))
    """
    level = round(SHADE_STEPS * min(max(value / 255, 0.0), 1.0))
    return f"{hue}{level}", "onlight" if level >= _BRIGHT[hue] else "ondark"


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, as WCAG 2.1 has it.

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    channels = [part / 255 for part in bytes.fromhex(colour[1:])]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Black letters can be read better from where on (L + 0.05) / 0.05 is above 1.05 / (L + 0.05).
_BRIGHT = {
    hue: next(
        (
            level
            for level in range(SHADE_STEPS + 1)
            if (luminance(COLOURS[f"{hue}{level}"].light) + 0.05) ** 2 > 1.05 * 0.05
        ),
        SHADE_STEPS + 1,
    )
    for hue in _SHADES
}


def custom_properties() -> str:
    """Return the palette as a style sheet: a property `--name` a colour, as the reader's screen is."""
    light, dark = (
        "".join(f"--{name}:{getattr(colour, mode)};" for name, colour in COLOURS.items())
        for mode in ("light", "dark")
    )
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
