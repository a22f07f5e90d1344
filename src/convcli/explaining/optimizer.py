"""Steps of optimizers on typed weights and gradients, with every number between the two."""

from __future__ import annotations

import inspect

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Explanation, Grid, Role, Step, Words, exact
from convcli.explaining.notation import number
from convcli.explaining.optimizing import Taken, optimizer_of, quantities, told, walk
from convcli.explaining.reading import typed_volume
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.nn.optimizers import Adam, Optimizer
from convcli.wording import by, counted

WEIGHTS, GRADIENTS, RATE = "1 -2", "4 -1 | 2 -1 | -1 -1", 0.1
RULES = (
    *("sgd", "sgd momentum=0.9", "sgd momentum=0.9 nesterov=true", "rmsprop rho=0.9", "adam"),
    "adamw weight_decay=0.5",
)
MOST_WEIGHTS, MOST_STEPS, SHOWN_PATHS = 8, 32, 3


@topic(
    "optimizer",
    "steps of sgd, momentum, nesterov, rmsprop, adam, adamw on typed weights and gradients, every number "
    "between them",
    *("input", "gradient", "optimizer", "learning_rate"),
)
def optimizer(ask: Request) -> Explanation:
    """Return the ways of all rules beside each other, and a step for each step of each rule.

    `--gradient` has a plane for each step. Without it the gradient is 1 in three steps, unless all is the
    example's.
    """
    weights, gradients = _numbers(ask)
    rate = RATE if ask.learning_rate is None else ask.learning_rate
    rules = [optimizer_of(text, rate) for text in ask.optimizer or RULES]
    if any(rule.bias_rate_factor != 1 for rule in rules):
        raise UsageError(
            "--optimizer: bias_rate_factor is for biases, and these are weights; explain step has both."
        )
    walks = [walk(rule, weights, gradients) for rule in rules]
    rates = {rule.learning_rate for rule in rules}
    ways = [_step(taken, with_rate=len(rates) > 1) for walked in walks for taken in walked]
    beside = [_beside(rules, walks, weights)] if len(rules) > 1 or len(gradients) > 1 else []
    last = [len(beside) + len(gradients) * (n + 1) - 1 for n in range(len(walks))]
    return Explanation(
        topic="optimizer",
        title=f"{counted(len(gradients), 'step')} of {', '.join(dict.fromkeys(r.name() for r in rules))}, "
        f"learning rate {', '.join(map(number, sorted(rates)))}: from a gradient to new weights",
        steps=(*beside, *ways),
        data={
            "weights": exact(weights),
            "gradients": exact(np.array(gradients)),
            "optimizers": [
                {**rule.model_dump(), "weights": [exact(taken.after) for taken in walked]}
                for rule, walked in zip(rules, walks, strict=True)
            ],
        },
        still=(*range(len(beside)), *last),
    )


def _numbers(ask: Request) -> tuple[Array, list[Array]]:
    """Return the weights (size,) and the gradient of each step."""
    volume = ask.numbers(WEIGHTS, channels=1).volume
    if volume.size > MOST_WEIGHTS:
        raise UsageError(
            f"--input: {volume.size} weights; at most {MOST_WEIGHTS} can be followed beside each other."
        )
    given = ask.gradient
    if given is None:
        given = GRADIENTS if ask.input is None else np.ones((*volume.shape[:2], 3))
    steps = typed_volume(given, "--gradient") if isinstance(given, str) else given
    if steps.shape[:2] != volume.shape[:2]:
        expected, found = by(volume.shape[:2]), by(steps.shape[:2])
        raise UsageError(
            f"--gradient: expected the weights' size {expected} for each step, parted by |, found {found}."
        )
    if steps.shape[2] > MOST_STEPS:
        raise UsageError(f"--gradient: {steps.shape[2]} steps; at most {MOST_STEPS} can be followed.")
    return volume.ravel().copy(), [steps[:, :, t].ravel() for t in range(steps.shape[2])]


def _beside(rules: list[Optimizer], walks: list[list[Taken]], weights: Array) -> Step:
    """Return the step that shows where each rule takes each weight."""
    shown = range(min(len(weights), SHOWN_PATHS))
    alike = len({rule.learning_rate for rule in rules}) == 1
    names = tuple(told(rule, rate=not alike) for rule in rules)
    paths = [
        np.array([[weights[i], *(taken.after[i] for taken in walked)] for walked in walks]) for i in shown
    ]
    row = tuple(
        Grid.of(
            path,
            f"w[{i + 1}] at first, and after each step",
            {(n, 0): "padding" for n in range(len(rules))},
            row_names=names if i == 0 else (),
        )
        for i, path in zip(shown, paths, strict=True)
    )
    rest = len(weights) - len(shown)
    lines = ([f"and {counted(rest, 'weight')} more"] if rest else []) + [
        f"gradient of step {t}: {', '.join(map(number, taken.gradient))}"
        for t, taken in enumerate(walks[0], 1)
    ]
    data = {"paths": {f"w[{i + 1}]": exact(path) for i, path in zip(shown, paths, strict=True)}}
    return Step.of("The ways of the rules", (row, *((Words(line),) for line in lines)), data)


def _step(taken: Taken, *, with_rate: bool) -> Step:
    """Return one step of a rule: a table of all it computes, and the first weight's numbers."""
    found = quantities(taken)
    rows = [("w before", taken.before), ("g", taken.gradient), *((q.name, q.values) for q in found)]
    table = np.array([values for _, values in rows])
    marks: dict[tuple[int, int], Role] = {(len(rows) - 1, i): "result" for i in range(len(taken.before))}
    names = (*(name for name, _ in rows[:-1]), "w after")
    grid = Grid.of(table, "a column for each weight", marks, row_names=names)
    lines = [f"{quantity.name} = {quantity.how(0)}" for quantity in found]
    data = {
        "optimizer": told(taken.rule),
        "number": taken.step,
        "w_before": exact(taken.before),
        "g": exact(taken.gradient),
        "quantities": {quantity.name: exact(quantity.values) for quantity in found},
        "state": {name: exact(vector) for name, vector in taken.state.items()},
        "w_after": exact(taken.after),
    }
    formula = (inspect.getdoc(type(taken.rule)) or "").partition("\n")[0]
    lines.append(formula)
    words = list[str]()
    if isinstance(taken.rule, Adam) and taken.step == 1:
        words.append("in the first step m̂ / √v̂ is 1 or −1: the size of the gradient plays no part")
    return Step.of(
        f"{told(taken.rule, rate=with_rate)}: step {taken.step}",
        ((grid,), (Words("of the first weight:"),), *lines, *((Words(line),) for line in words)),
        data,
    )
