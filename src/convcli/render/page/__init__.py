"""A trained network as a page in which it runs: one file, without a server, a library or a request.

`engine.js` convolves and pools, forward and back, and `activations.js` has g and its slope; they stand alone
in any page that needs them. `layers.js` has the layers, `network.js` takes an image through them, `cell.js`
says what a single cell was made of.

The rest is what the reader sees: `page.html` and `style.css`; `sources.js`, where images come from, with
`drawing.js`, `pictures.js` and `pixels.js`; `answer.js`; `maps.js` of every layer; `panel.js` of one cell,
with `kinds.js`; `reasons.js`, which says why, with `why.js`; and `interface.js`, which puts them together.
Numbers are written by the `notation.js` of explanations.
"""

PACKAGE = __name__
ENGINE = ("engine.js", "activations.js", "layers.js", "cell.js", "network.js")
"""What computes, in the order in which a page has it."""

INTERFACE = (
    *("elements.js", "figures.js", "pixels.js", "colours.js", "drawing.js", "pictures.js", "sources.js"),
    *("answer.js", "maps.js", "kinds.js", "panel.js", "why.js", "reasons.js", "interface.js"),
)
"""What is seen, likewise."""
