"""The names that learners give to functions and to their arguments."""

from __future__ import annotations

import re

_ENDINGS = (
    r"(_naive|_fast|_im2col|_strides?|_strided|_loops?|_vectori[sz]ed|_simple|_slow|_manual|_np|_numpy"
    r"|_scratch|_from_scratch|_layer|_batch|_v?\d|_own|_mine|_func(tion)?|_op|_solution)+$"
)
_OPERATIONS = {
    "conv_forward": (
        "conv convolve convolution conv_forward convolution_forward forward_conv forward_convolution corr "
        "correlate correlation cross_correlation "
        "cross_correlate crosscorrelation corr_multi_in corr_multi_in_out "
        "conv_fwd conv_multi conv_multi_in_out convolve_valid filter apply_kernel apply_filter"
    ),
    "conv_backward": (
        "conv_backward convolution_backward backward_conv conv_back "
        "conv_bwd conv_backprop backprop_conv conv_grad"
    ),
    "conv_single_step": "conv_single_step single_step convolve_single_step conv_step conv_window",
    "zero_pad": "zero_pad zeropad pad zero_padding pad_zeros add_padding pad_image pad_with_zeros padding",
    "max_pool": (
        "max_pool maxpool max_pooling maxpooling "
        "max_pool_forward maxpool_forward pool_max max_pooling_forward"
    ),
    "avg_pool": (
        "avg_pool average_pool avgpool mean_pool avg_pooling average_pooling avg_pool_forward mean_pooling "
        "avgpool_forward average_pool_forward"
    ),
    "pool": "pool pooling pool_forward pooling_forward forward_pool",
    "max_pool_backward": (
        "max_pool_backward maxpool_backward max_pooling_backward maxpool_back max_pool_backprop"
    ),
    "avg_pool_backward": "avg_pool_backward average_pool_backward avgpool_backward mean_pool_backward",
    "pool_backward": "pool_backward pooling_backward backward_pool",
    "create_mask_from_window": "create_mask_from_window create_mask mask_from_window max_mask",
    "distribute_value": "distribute_value distribute",
    "dense": (
        "dense linear affine fully_connected fc dense_forward linear_forward affine_forward fc_forward "
        "forward_dense fully_connected_forward"
    ),
    "dense_backward": (
        "dense_backward linear_backward affine_backward fc_backward backward_dense fully_connected_backward"
    ),
    "relu": "relu relu_forward",
    "relu_backward": "relu_backward backward_relu relu_grad_backward",
    "softmax": "softmax stable_softmax softmax_forward",
    "softmax_loss": "softmax_loss softmax_cross_entropy_loss",
}
OPERATION = {name: operation for operation, names in _OPERATIONS.items() for name in names.split()}

_CLASSES = (
    (r"conv|correl", "conv_forward"),
    (r"max_?pool", "max_pool"),
    (r"(avg|average|mean)_?pool", "avg_pool"),
    (r"^pool", "pool"),
    (r"dense|linear|affine|fully|^fc", "dense"),
    (r"^re_?lu", "relu"),
    (r"softmax", "softmax"),
)
FORWARD = (
    "forward",
    "forward_pass",
    "forward_prop",
    "forward_propagation",
    "__call__",
    "call",
    "apply",
    "feedforward",
)
BACKWARD = (
    "backward",
    "backprop",
    "backward_pass",
    "backward_prop",
    "back",
    "backpropagate",
    "backward_propagation",
)


def operation_of(name: str) -> str | None:
    """Return the operation that a function's name stands for; `pool` and `pool_backward` are of two kinds.

    >>> operation_of("conv_forward_naive"), operation_of("my_conv2d"), operation_of("train")
    ('conv_forward', 'conv_forward', None)
    """
    plain = re.sub(r"^(my|our|naive|simple|numpy|np|custom)_", "", _snake(name).strip("_"))
    for text in (plain, re.sub(_ENDINGS, "", plain)):
        short = re.sub(r"_?(2_?d|\d+x\d+|\d)(?=_|$)", "", text)
        for one in (text, short):
            if one in OPERATION:
                return OPERATION[one]
    return None


def operation_of_class(name: str) -> str | None:
    """Return the operation of a layer's class."""
    plain = _snake(name).strip("_")
    return next((operation for pattern, operation in _CLASSES if re.search(pattern, plain)), None)


def built_in_size(name: str) -> int | None:
    """Return the size that stands in a name.

    >>> built_in_size("Conv3x3"), built_in_size("MaxPool2"), built_in_size("Conv2D")
    (3, 2, None)
    """
    if found := re.search(r"(\d)x\1", name):
        return int(found[1])
    found = re.search(r"pool(?:ing)?_?(\d)(?!_?d)$", name, re.IGNORECASE)
    return int(found[1]) if found else None


def built_in_axes(name: str) -> tuple[str, str] | None:
    """Return the axes of input and weights that a function of this name has in the course it comes from.

    >>> built_in_axes("corr2d_multi_in"), built_in_axes("conv2d")
    (('chw', 'cij'), None)
    """
    plain = re.sub(_ENDINGS, "", _snake(name).strip("_"))
    return {
        "corr2d": ("hw", "ij"),
        "corr2d_multi_in": ("chw", "cij"),
        "corr2d_multi_in_out": ("chw", "kcij"),
    }.get(plain)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("_d", "_d")


_ROLES = {
    "x": (
        "x a a_prev aprev input inputs inp in_ img "
        "image images im data feature_map features matrix plane array "
        "batch volume a_slice_prev a_slice slice window patch "
        "region z scores logits in_data input_data arr mat "
        "x_in a_prev_pad activation input_image input_matrix grid u v vector"
    ),
    "w": "w weight weights k kernel kernels kern filter filters filt filt_ wt mask f theta h w1",
    "b": "b bias biases b1 beta",
    "stride": "s stride strides step steps stride_size",
    "padding": "p pad padding pads pad_size padding_size pad_width",
    "size": (
        "size pool_size poolsize f k kernel_size ksize "
        "window window_size pool filter_size pool_shape n field "
        "kernel kernel_shape window_shape"
    ),
    "rows": "pool_height hh kh k_h f_h pool_h ph window_height",
    "columns": "pool_width ww kw k_w f_w pool_w pw window_width",
    "mode": "mode pool_type method pool_mode kind type op pooling",
    "dz": (
        "dz dout da dy grad grads grad_output "
        "grad_out d_out output_gradient gradient dl_dout delta g upstream "
        "d_l_d_out dl_dy doutput out_grad error dx_out dvalues grad_z dldz dl_dz"
    ),
    "cache": "cache",
    "settings": (
        "hparameters hparams hyperparameters hyper_parameters conv_param "
        "pool_param params param options config "
        "conv_params pool_params hp"
    ),
    "shape": "shape size out_shape",
    "labels": "y labels label targets target t",
    "rate": "learn_rate learning_rate lr eta alpha",
}
ROLES = {role: frozenset(names.split()) for role, names in _ROLES.items()}

COUNTS = {
    "k": (
        "num_filters n_filters filters out_channels n_c nf "
        "num_kernels out_ch output_channels nfilters depth n_f"
    ),
    "c": "in_channels input_channels num_channels n_c_prev in_ch channels input_depth n_channels",
    "d": "in_features input_size n_in input_len input_dim in_size num_inputs inputs n_inputs fan_in",
    "u": (
        "out_features output_size n_out nodes units output_dim "
        "out_size num_outputs n_units neurons n_neurons fan_out"
    ),
}
COUNTED = {name: role for role, names in COUNTS.items() for name in names.split()}


def role_of(name: str, wanted: tuple[str, ...]) -> str | None:
    """Return which of the wanted roles an argument's name has."""
    plain = _snake(name).strip("_")
    return next((role for role in wanted if plain in ROLES[role]), None)


_GRADIENT = re.compile(
    r"^(d_?l_?d_?|dl_|grads?_|gradients?_|gradient_of_|delta_|d_?)|(_grads?|_gradients?|_d|_delta)$"
)


def gradient_of(name: str) -> str | None:
    """Return which gradient a name stands for.

    >>> [gradient_of(name) for name in ("dW", "d_L_d_filters", "kernels_gradient", "db", "dA_prev", "out")]
    ['dw', 'dw', 'dw', 'db', 'dx', None]
    """
    plain = _snake(name).strip("_").split(".")[-1]
    short = _GRADIENT.sub("", plain)
    inside = plain.startswith("grad") or "." in name
    if short == plain and not inside:
        return None
    for role in ("w", "b", "x"):
        if short in ROLES[role] or (role == "x" and short in ("a_prev", "prev", "inputs", "in")):
            return f"d{role}"
    return None
