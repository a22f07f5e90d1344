"""The text of model.py: the network, its preprocessing, its classes, and how to load and ask it."""

from __future__ import annotations

import ast
from importlib import resources

import numpy as np

from convcli.data.presentation import luma
from convcli.interchange.torch.modules import INDENT, WIDTH, Module
from convcli.nn.model import Model
from convcli.wording import by

WEIGHTS = "model.safetensors"

PROBABILITIES = {
    "cross_entropy": "outputs.softmax(1)",
    "focal": "outputs.softmax(1)",
    "mean_squared_error": "nearest_shares(outputs)",
}
"""Of each loss: what gives the probabilities of the classes."""


def source(model: Model, layers: Module, frozen: list[str]) -> str:
    """Return model.py. `frozen` are the parameters that training kept as they were."""
    probabilities = PROBABILITIES[model.loss.name()]
    parts = _parts({*layers.calls(), probabilities.partition("(")[0]})
    body = [_network(model, layers, frozen, probabilities), _load(), _read(model), _main()]
    return "\n\n\n".join([_head(model), *parts, *body]) + "\n"


def _parts(names: set[str]) -> list[str]:
    """Return the classes and functions of `parts.py` that are asked for, as they stand there."""
    text = resources.files(__package__).joinpath("parts.py").read_text("utf-8")
    lines = text.splitlines()
    return [
        "\n".join(lines[part.lineno - 1 : part.end_lineno])
        for part in ast.parse(text).body
        if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name in names
    ]


def _head(model: Model) -> str:
    rows, columns, channels = model.preprocessing.shape
    kind = {1: "grey ", 3: "RGB "}.get(channels, "")
    what = f"{kind}images of {by((rows, columns))}"
    return f'''"""A network for {what} and {len(model.classes)} classes, trained by convcli.

Its weights are in {WEIGHTS}, beside this file. It needs PyTorch, NumPy,
safetensors and Pillow. To classify image files:

    python model.py IMAGE...
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import nn

SIZE = ({rows}, {columns})  # rows and columns of an image
{_listed("CLASSES", [_quoted(name) for name in model.classes])}
# Of each channel, with pixels from 0 to 1.
{_listed("MEAN", [repr(mean) for mean in model.preprocessing.mean])}
{_listed("DEVIATION", [repr(deviation) for deviation in model.preprocessing.deviation])}'''


def _quoted(text: str) -> str:
    """Return a text as Python has it, in double quotes where there is no other in it."""
    literal = repr(text)
    if '"' in literal or "\\'" in literal:
        return literal
    return f'"{literal[1:-1]}"'


def _listed(name: str, values: list[str], indent: str = "") -> str:
    """Return a name that stands for a tuple, on as many lines as it takes."""
    line = f"{indent}{name} = ({', '.join(values)}{',' * (len(values) == 1)})"
    if len(line) <= WIDTH:
        return line
    each = (f"{indent}{INDENT}{value}," for value in values)
    return "\n".join([f"{indent}{name} = (", *each, f"{indent})"])


def _network(model: Model, layers: Module, frozen: list[str], probabilities: str) -> str:
    rows, columns, channels = model.preprocessing.shape
    shapes = f"(n, {len(model.classes)})", f"(n, {channels}, {rows}, {columns})"
    lines = [
        "class Network(nn.Module):",
        f'    """Makes a number for each class, {shapes[0]}, of pixels 0 … 255, {shapes[1]}."""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        '        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):',
        "            tensor = torch.tensor(values)[:, None, None]",
        "            self.register_buffer(name, tensor, persistent=False)",
        layers.text("        self.layers = "),
        *_freezing(frozen),
        "",
        "    def forward(self, pixels: torch.Tensor) -> torch.Tensor:",
        "        x = (pixels / 255 - self.mean) / self.deviation",
        *(FLIPS if model.config.evaluation.flips else ("        return self.layers(x)",)),
        "",
        "    @torch.inference_mode()",
        "    def probabilities(self, pixels: torch.Tensor) -> torch.Tensor:",
        f'        """Return the probability of each class, {shapes[0]}; rows sum to 1."""',
        "        outputs = self(pixels)",
        f"        return {probabilities}",
    ]
    return "\n".join(lines)


FLIPS = (
    "        outputs = self.layers(x)",
    "        if self.training:",
    "            return outputs",
    "        return (outputs + self.layers(x.flip(3))) / 2  # with its mirror image's",
)


def _freezing(names: list[str]) -> list[str]:
    if not names:
        return []
    kept = _listed("frozen", [f'"{name}"' for name in names], "        ")
    return [kept, "        for name in frozen:", "            self.get_parameter(name).requires_grad_(False)"]


def _load() -> str:
    return f'''def load(folder: Path = Path(__file__).parent) -> Network:
    """Return the network with its weights, ready to be asked."""
    network = Network()
    network.load_state_dict(load_file(folder / "{WEIGHTS}"))
    return network.eval()'''


def _read(model: Model) -> str:
    presentation, (rows, columns, channels) = model.preprocessing.presentation, model.preprocessing.shape
    mode = "L" if channels == 1 else "RGB"
    ground = repr((*presentation.background, 255))
    return f'''def read(path: str) -> torch.Tensor:
    """Return an image file as the network takes it, (1, {channels}, {rows}, {columns})."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"{{path}}: has more than 8 bits a channel")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, {ground})
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    image = image.convert("{mode}")
{FITS[presentation.fit].format(mode=mode, background=_ground(presentation.background, channels))}
    pixels = torch.from_numpy(np.array(image)).view(1, *SIZE, {channels})
    return pixels.permute(0, 3, 1, 2)'''


def _ground(background: tuple[int, int, int], channels: int) -> str:
    if channels == 3:
        return repr(background)
    return str(int(luma(np.array([[background]], np.uint8)).item()))


_SCALED = """\
    rows, columns = SIZE
    scale = {which}(rows / image.height, columns / image.width)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image = image.resize(size, Image.Resampling.LANCZOS)
    top, left = (image.height - rows) // 2, (image.width - columns) // 2
"""
FITS = {
    "stretch": "    image = image.resize(SIZE[::-1], Image.Resampling.LANCZOS)",
    "crop": _SCALED.replace("{which}", "max")
    + "    image = image.crop((left, top, left + columns, top + rows))",
    "pad": _SCALED.replace("{which}", "min")
    + """\
    canvas = Image.new("{mode}", (columns, rows), {background})
    canvas.paste(image, (-left, -top))
    image = canvas""",
}
"""How an image comes to the network's size, by `data.fit`."""


def _main() -> str:
    return """if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    network = load()
    for path in sys.argv[1:]:
        best = network.probabilities(read(path))[0].topk(min(3, len(CLASSES)))
        shares = (f"{CLASSES[k]} {share:.1%}" for share, k in zip(*best, strict=True))
        print(f"{path}:", ", ".join(shares))"""
