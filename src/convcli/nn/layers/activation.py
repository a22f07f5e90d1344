"""An activation function as a layer of its own, or fused into the layer before it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal

from convcli.engine.sums import column_sums
from convcli.engine.workspace import Array
from convcli.nn.activations import ActivationOption, Identity, Relu
from convcli.nn.layer import Initial, Layer, Shape, begun
from convcli.nn.learned import is_learned
from convcli.nn.tape import Tape, Weights


class ActivationLayer(Layer):
    """A = g(Z), element by element."""

    function_option: ClassVar[str] = "function"

    type: Literal["activation"] = "activation"
    function: ActivationOption = Relu()

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        a = tape.workspace.batch("a", x.shape, x.dtype)
        self.function.apply(x, a, tape)
        return a

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        self.function.derive(dy, tape)
        return dy

    def summary(self) -> str:
        return str(self.function)


class Affine(Layer):
    """A layer with Z = W · A_prev + b and A = g(Z): what conv and dense share.

    Frozen weights are not trained: they lie with what is kept, where no optimizer sees them.
    """

    function_option: ClassVar[str] = "activation"

    bias: bool = True
    activation: ActivationOption = Identity()
    frozen: bool = False

    @abstractmethod
    def initial_kernel(self, shape: Shape) -> Initial:
        """Return how W begins for an input of `shape`."""

    def initial_kernels(self, shape: Shape) -> dict[str, Initial]:
        """Return how all that its inputs are multiplied by begins: W, unless there is more."""
        return {"W": self.initial_kernel(shape)}

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        kernels = self.initial_kernels(shape)
        arrays = {name: replace(initial, decays=True) for name, initial in kernels.items()}
        if self.bias:
            arrays["b"] = Initial(self.output_shape(shape)[-1:], "zeros")
        return begun(arrays, self.learned, frozen=self.frozen)

    @property
    def learned(self) -> str | None:
        """The layer of a run that it begins as, if it does."""
        init = getattr(self, "init", None)
        return init if is_learned(init) else None

    @property
    def usual_scheme(self) -> str:
        """How W begins unless `init` says otherwise: as suits the activation."""
        return "he" if self.activation.rectifies else "glorot"

    @property
    def scheme(self) -> str:
        """How W is drawn."""
        init = getattr(self, "init", None)
        return init if init in ("he", "glorot") else self.usual_scheme

    def activate(self, z: Array, tape: Tape) -> Array:
        """Turn Z into A in place and remember what its derivative needs."""
        self.activation.apply(z, z, tape)
        return z

    def deactivate(self, da: Array, tape: Tape) -> Array:
        """Turn dA into dZ in place and add db, where b is trained."""
        self.activation.derive(da, tape)
        if "b" in tape.gradients:
            tape.add("b", column_sums(da))
        return da
