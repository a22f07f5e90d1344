"""LaTeX: what is words and what mathematics, and that TeX makes pages of all of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

from convcli.explaining import TOPICS
from convcli.explaining.elements import Arrow, Explanation, Grid, Picture, Step
from convcli.render.explain import FORMATS
from convcli.render.explain.tex import formula, mixed, text
from explaining.cases import made
from explaining.test_renderers import HOSTILE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1e−5·(−2) = 0", r"$1 \times 10^{-5}\cdot (-2) = 0$"),
        ("1/9 + 2.5", r"$\tfrac{1}{9} + 2.5$"),
        ("dA_prev: 4 × 4", r"$dA_{\text{prev}}$: $4 \times 4$"),
        ("y3 = w1·x5", r"$y_{3} = w_{1}\cdot x_{5}$"),
        ("64 weights + 4 biases = 68", r"64 weights${}+ 4$ biases${}= 68$"),
        ("A corner is used 1 time", "A corner is used 1 time"),
        ("from 0 (dark) to 255 (bright)", "from 0 (dark) to 255 (bright)"),
        ("max(1, 2) = 2", r"$\max(1,\allowbreak 2) = 2$"),
        ("p = softmax(z), ŷ", r"$p = \operatorname{softmax}(z)$, $\hat{y}$"),
        ("√(gx² + gy²)", r"$\sqrt{g_x^{2} + g_y^{2}}$"),
        ("e^(−z)", "$e^{-z}$"),
        ("σ² = Σ(x − μ)² / m", r"$\sigma^{2} = \sum (x - \mu)^{2} / m$"),
        ("my_photo.png", r"my\_photo.png"),
        ("multiply-adds: 216", "multiply-adds: 216"),
    ],
)
def test_words_are_text_and_the_rest_is_mathematics(line, expected):
    assert mixed(line) == expected


def test_inside_of_mathematics_words_are_in_text():
    assert formula("b = 1 per filter") == r"b = 1\text{ per filter}"
    assert formula("1 · 2") == r"1 \cdot 2"


def test_names_from_outside_keep_their_letters():
    assert text("Zoë_50%.png") == r"Zo\"{e}\_50\%.png"
    assert text("x̂ / √v̂") == r"\^{x} / $\surd$\^{v}"
    assert text("図") == r"\texttt{U+56F3}"


def explanation(*rows):
    return Explanation("any", "Any", (Step.of("One", rows, {}),), {}, (0,))


def test_cells_are_marked_by_what_they_are():
    grid = Grid.of(
        np.array([[1, -2], [0, 1e-5]]), "", {(0, 0): "window", (0, 1): "result", (1, 0): "padding"}
    )
    source = FORMATS["latex"](explanation((grid,))).decode()
    assert "\\window{1} & \\result{-2} \\\\\n\\padding{0} & 1 \\times 10^{-5}\n" in source
    assert r"\usepackage{tikz}" not in source  # only what draws needs it


WIDE = explanation(
    (Grid.of(np.arange(320.0).reshape(8, 40) / 7e5, "w" * 30), Arrow("→", "a note of several words")),
    " + ".join(["0.1235·(−3)"] * 60),
    f"max({', '.join(['0.1235'] * 60)})",
    "unused: the last 1 row and 1 column of the padded input, " * 4,
    (Picture(np.arange(300 * 200, dtype=np.uint8).reshape(300, 200), "a picture"),) * 4,
)


def test_a_wide_matrix_is_parted_by_columns():
    source = FORMATS["latex"](WIDE).decode()
    parts = re.findall(r"columns (\d+) to (\d+)", source)
    assert parts[0][0] == "1"
    assert parts[-1][1] == "40"
    assert all(int(end) + 1 == int(start) for (_, end), (start, _) in pairwise(parts))


MISSING = "no LaTeX with TikZ here (Debian: apt-get install texlive-latex-recommended texlive-pictures)"


def tex():
    """Say whether pdflatex and what the documents use are there."""
    programs = shutil.which("pdflatex") and shutil.which("kpsewhich")
    wanted = ["tikz.sty", "xcolor.sty", "amsmath.sty"]
    return bool(programs) and not subprocess.run(["kpsewhich", *wanted], capture_output=True).returncode


def joined(shown):
    """Return one document of the pages of several."""
    sources = [FORMATS["latex"](one).decode() for one in shown]
    bodies = [re.search(r"\\begin{document}\n(.*)\\end{document}", one, re.S)[1] for one in sources]
    first, *others = [one[: one.index(r"\begin{document}")].splitlines() for one in sources]
    more = dict.fromkeys(line for head in others for line in head if line not in first)
    return "\n".join([*first, *more, r"\begin{document}", "\n\\newpage\n".join(bodies), r"\end{document}"])


@pytest.mark.long
@pytest.mark.skipif(not tex(), reason=MISSING)
def test_tex_sets_every_topic_within_the_margins(tmp_path):
    topics = [made(topic) for topic in TOPICS]
    shown = [one.only(range(min(len(one.steps), 12))) for one in topics]
    (tmp_path / "all.tex").write_text(joined([*shown, HOSTILE, WIDE]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    words = said.stdout.decode(errors="replace")
    assert said.returncode == 0, words[-2000:]
    assert (tmp_path / "all.pdf").read_bytes().startswith(b"%PDF")
    assert re.findall(r"Overfull .hbox.*|Missing character.*", words) == []
