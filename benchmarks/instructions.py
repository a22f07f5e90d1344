"""Takes AVX-512 away from every side, so that a processor that has it measures as the many that have not."""

from __future__ import annotations

from collections.abc import Mapping

from convcli.doctor import instructions, is_avx512

AVX2 = "AVX2"


def without_avx512() -> Mapping[str, str]:
    """Return the environment in which NumPy, OpenBLAS, PyTorch and OpenCV leave AVX-512 alone.

    NumPy's names differ by release. oneDNN and MKL are PyTorch's; OpenBLAS's kernels of that name are those
    of all processors with AVX2.
    """
    _, found = instructions()
    return {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(filter(is_avx512, found)),
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENCV_CPU_DISABLE": "AVX512-SKX",
    }
