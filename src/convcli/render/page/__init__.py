"""A trained network as a page in which it runs: one file, without a server, a library or a request.

`engine.js` convolves and pools, forward and back, and stands alone in any page that needs it; `layers.js` has
the layers, `network.js` takes an image through them, `cell.js` says what a single cell was made of.
`interface.js`, `style.css` and `page.html` are what the reader sees.
"""

PACKAGE = __name__
ENGINE = ("engine.js", "layers.js", "cell.js", "network.js")
"""What computes, in the order in which a page has it."""
