"""The baseline: the default configuration, fully trained."""

from nas.engine import Lab
from nas.errors import UserError
from nas.types import Config


async def default(lab: Lab) -> None:
    """Train the default configuration of the space to the full budget."""
    config = Config.of(lab.spec.default or dict(lab.space.get_default_configuration()))
    broken = lab.cheap.broken(config)
    if broken:
        value = lab.cheap.all(config)[broken.metric]
        raise UserError(f"the default configuration has {broken.metric} {value:.10g}, which breaks {broken}")
    await lab.train(lab.trial("g0.b0.0", config, "default"), lab.spec.max_epochs)
