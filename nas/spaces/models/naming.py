"""Which model does the user mean? Checked, and given back by the one name that it has as a space."""

from nas.spaces.known import names
from nas.spaces.name import is_of_file_of_space, parse, space_as_model


def named(model: str, pretrained: str | None = None, **fixed: float) -> str:
    """Return the name of the space of `model`, trained from the weights `pretrained`, with the values that are `fixed`.

    A model is `resnet18` of torchvision, `timm/NAME`, `FILE.py:function`, or a space, whose default network is meant,
    with values in its place: `FILE.py:blocks=1`. Raises UserError for an unknown one, and for values it cannot have.
    """
    from nas.spaces.models.space import space_of  # here, for --help to be quick

    of_space = model.partition(":")[0] in names() or is_of_file_of_space(model)
    name = space_as_model(model) if of_space else parse(model)
    given = {**name.parameters, "pretrained": pretrained or name.parameters.get("pretrained"), **fixed}
    return space_of(str(name.of(given).absolute()), "model").name


def native_size(model: str) -> int | None:
    """Return how many pixels a side the images have that its weights were made for; None where that is unknown."""
    from nas.spaces.models.find import find  # here, for --help to be quick

    return find(parse(model), "model").size
