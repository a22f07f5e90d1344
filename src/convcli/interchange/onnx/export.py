"""`--to onnx`: one file that does to an image all that `predict` does to it once it has the right size."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from convcli.errors import UsageError
from convcli.extras import extra
from convcli.interchange.export import Export, Exported, Images
from convcli.interchange.onnx.network import LOGITS, PROBABILITIES, Input, described, in_words, onnx_of
from convcli.nn.model import Model

NO_SMALLER = (
    "so few weights take no less room in 8 bits: the scales of all that is rounded are in the file as well, "
    "and the nodes that do it"
)


class Onnx(Export):
    """Preprocessing, layers and the loss's probabilities as one graph, for batches of any size.

    Attributes
    ----------
    input
        What goes in: "uint8", images as `predict` takes them, or "float", their pixels / 255, channels first.
    quantize
        Whether convolutions and dense layers work on 8 bits.
    """

    target: ClassVar[str] = "model.onnx"

    input: Input = "uint8"
    quantize: Literal["int8"] | None = None

    @property
    def place(self) -> str:
        return self.target if self.quantize is None else "model.int8.onnx"

    def of(self, model: Model, images: Images) -> Exported:
        if self.quantize is not None:
            return self._in_8_bits(model, images)
        proto, because_of = onnx_of(model, self.input)
        return Exported({self.place: proto.SerializeToString()}, self._lines(model, proto, because_of))

    def _lines(self, model: Model, proto: Any, because_of: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return what goes in and comes out, and which opset that takes."""
        reason = f", for {', '.join(because_of)}" if because_of else ""
        return (
            f"in: images, {in_words(model, self.input)}",
            f"out: {PROBABILITIES} and {LOGITS}, float32 (n, {len(model.classes)})",
            f"opset {proto.opset_import[0].version}{reason}, IR version {proto.ir_version}",
        )

    def _in_8_bits(self, model: Model, images: Images) -> Exported:
        from convcli.interchange.onnx import quantization

        whole, _ = onnx_of(model, self.input, least=quantization.LEAST_OPSET)
        extra("onnxruntime", "onnx", quantization.WHAT)  # before images are read
        seen = images("train")
        if seen is None:
            raise UsageError(
                "--quantize int8: training images tell how far numbers reach, and there are none. Say where "
                "they are with --data SOURCE, or leave --quantize out."
            )
        small = described(quantization.quantized(whole, seen, self.input), model, self.input)
        before, after = (proto.SerializeToString() for proto in (whole, small))
        lines = [f"{len(before):,} bytes → {len(after):,} bytes"]
        notes = [] if len(after) < len(before) else [NO_SMALLER]
        judged = images(None)
        if judged is None:
            notes.append("what 8 bits cost in accuracy is not measured: there are no images to judge by")
        else:
            shares = [quantization.accuracy(proto, judged, self.input) for proto in (whole, small)]
            lines.append(
                f"accuracy {shares[0]:.2%} → {shares[1]:.2%} on {len(judged):,} images, through onnxruntime"
            )
        return Exported({self.place: after}, (*self._lines(model, small), *lines), tuple(notes))
