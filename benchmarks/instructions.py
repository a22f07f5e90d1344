"""Takes AVX-512 away from every side, so that a processor that has it measures as the many that have not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

AVX2 = "AVX2"


def without_avx512() -> Mapping[str, str]:
    """Return the environment in which NumPy, OpenBLAS, PyTorch and OpenCV leave AVX-512 alone.

    oneDNN and MKL are PyTorch's; OpenBLAS's kernels of that name are those of all processors with AVX2.
    """
    return {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(numpy_groups()),
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENCV_CPU_DISABLE": "AVX512-SKX",
    }


def numpy_groups() -> list[str]:
    """Return NumPy's names, which differ by release, of the groups with AVX-512 that it has and finds."""
    config = np.show_config(mode="dicts")
    found = config["SIMD Extensions"].get("found", []) if isinstance(config, dict) else []
    return [name for name in found if name.startswith(("AVX512", "X86_V4"))]
