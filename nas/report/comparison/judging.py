"""How good is an incumbent really? Trained on all training images with several seeds, each tested and kept."""

from pathlib import Path

from nas.core.errors import Diverged
from nas.core.plain import canonical
from nas.core.types import Config
from nas.report.comparison.judged import FILE, Judged, read
from nas.runs.disk import write_atomically
from nas.runs.saved import Saved
from nas.training.evaluation import Evaluator


def judge(saved: Saved, folder: Path, seeds: int, evaluator: Evaluator) -> list[Judged]:
    """Return `seeds` trainings of a saved configuration; those that are in `folder` already are not repeated."""
    config, kept = Config.of(saved.config), list(read(folder))
    known = {each.seed: each for each in kept if each.config == config.id}
    for seed in range(saved.seed, saved.seed + seeds):
        if seed not in known:
            known[seed] = _trained(config, saved.epochs, seed, evaluator)
            kept.append(known[seed])  # what diverged does so again
            write_atomically(folder / FILE, (canonical(each.__dict__) + "\n" for each in kept))
    return [known[seed] for seed in range(saved.seed, saved.seed + seeds)]


def _trained(config: Config, epochs: int, seed: int, evaluator: Evaluator) -> Judged:
    try:
        tested = evaluator.test(config, epochs, seed)
    except Diverged:
        return Judged(config.id, seed, {}, "", "")
    assert tested.predictions
    logits, labels = tested.predictions.logits, tested.predictions.labels
    hits = logits.topk(min(3, logits.shape[1]), dim=1).indices == labels[:, None]
    right, right3 = ("".join("01"[hit] for hit in each.tolist()) for each in (hits[:, 0], hits.any(1)))
    return Judged(config.id, seed, tested.metrics, right, right3)
