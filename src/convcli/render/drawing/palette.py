"""The colours of explanations, for light and for dark: all renderers take them from here."""

from __future__ import annotations

from dataclasses import dataclass

HEAT_STEPS = 10
LINK_COLOURS = 9


@dataclass(frozen=True)
class Colour:
    """One colour on a light ground and on a dark one, as `#rrggbb`."""

    light: str
    dark: str


def _between(start: str, end: str, share: float) -> str:
    pairs = zip(bytes.fromhex(start[1:]), bytes.fromhex(end[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * share) for a, b in pairs).hex()


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


def heat(value: float, hottest: float, hue: str = "heat") -> str:
    """Return the name of the colour of a value from 0 to `hottest`; the hue is "heat" or "right".

    >>> heat(0, 9), heat(9, 9), heat(0.5, 1, "right")
    ('heat0', 'heat10', 'right5')
    """
    return f"{hue}{round(HEAT_STEPS * min(max(value / hottest, 0.0), 1.0))}"


def custom_properties() -> str:
    """Return the palette as a style sheet: a property `--name` a colour, as the reader's screen is."""
    light, dark = (
        "".join(f"--{name}:{getattr(colour, mode)};" for name, colour in COLOURS.items())
        for mode in ("light", "dark")
    )
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
