"""How do weights follow their gradients? One part each; those of pytorch-optimizer are imported when asked for."""

from collections.abc import Callable, Mapping
from functools import partial

from nas.core.parts import Part
from nas.training.optimizers.zoo import ADMITTED, of_zoo

late: Mapping[str, Callable[[], type[Part]]] = {name: partial(of_zoo, name) for name in ADMITTED}
