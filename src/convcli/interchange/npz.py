"""The weights alone, as NumPy's .npz."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import numpy as np

from convcli.interchange.export import Export, Exported, Images
from convcli.nn.model import Model


class Npz(Export):
    """Every array by its name, `1.W`, as `load_run(RUN).weights` has them, in float32 and our layout.

    Kernels are (f_h, f_w, c_in / groups, c_out), dense weights (in, out); behind a flatten their rows are in
    the order (h, w, c).
    """

    target: ClassVar[str] = "weights.npz"

    def of(self, model: Model, images: Images) -> Exported:
        file = io.BytesIO()
        arrays: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in model.weights.items()}
        np.savez(file, **arrays)
        return Exported({self.target: file.getvalue()})
