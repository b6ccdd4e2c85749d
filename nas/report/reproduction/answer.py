"""Was the target reached? By which seed, at which epoch, after how long, and how sure is that?"""

import math
from statistics import fmean, stdev

from nas.core.units import duration
from nas.report.facts import Table
from nas.report.reproduction.found import Found
from nas.runs.reproduced import Full

OVER = ("epochs", "target", "diverged")  # after which a training does not go on
_ENDED = {
    "epochs": "all its epochs", "target": "the target", "diverged": "divergence", "time": "the limit in time",
    "interrupted": "an interruption", "": "not yet",
}  # fmt: skip


def answers(found: Found) -> Table:
    """Return a row a seed: the best epoch and the last told apart; below them the mean ± the standard deviation."""
    headings = (
        "seed", f"best {found.metric}", "of the target", "at epoch", "after training", "after all phases",
        f"last {found.metric}", "target met at epoch", "ended by",
    )  # fmt: skip
    rows = [_row(found, full) for full in found.fulls]
    begun = {full.seed for full in found.fulls}
    rows += [(str(seed), *[""] * 7, "not begun") for seed in found.asked.seeds if seed not in begun]
    return Table(headings, (*rows, *([_mean(found)] if len(found.judged) > 1 else [])))


def _row(found: Found, full: Full) -> tuple[str, ...]:
    best, met = full.at_best, found.met(full)
    if not best:
        return (str(full.seed), *[""] * 7, _ENDED[full.ended])
    value = found.value(best)
    return (
        str(full.seed), found.shown(value), percent(found.share(value)), f"{best.epoch:,} of {full.epochs:,}",
        duration(best.seconds), duration(found.seconds_before + best.seconds), found.shown(found.value(full.curve[-1])),
        f"{met.epoch:,}" if met else "never" if full.ended in OVER else "not yet", _ENDED[full.ended],
    )  # fmt: skip


def _mean(found: Found) -> tuple[str, ...]:
    best = [full.at_best for full in found.judged if full.at_best]
    values, epochs = found.values, [float(point.epoch) for point in best]
    shares, times = [found.share(value) for value in values], fmean(point.seconds for point in best)
    last = [found.value(full.curve[-1]) for full in found.judged]
    met = sum(found.met(full) is not None for full in found.judged)
    return (
        f"mean ± sd of {len(best)}", found.shown(fmean(values), stdev(values)), percent(fmean(shares), stdev(shares)),
        f"{fmean(epochs):.3g} ± {stdev(epochs):.2g}", duration(times), duration(found.seconds_before + times),
        found.shown(fmean(last), stdev(last)), f"{met} of {len(best)} seeds", "",
    )  # fmt: skip


def percent(share: float, spread: float | None = None) -> str:
    """Return a share of the target; what missed it is not rounded up to 100 %."""
    told = f"{math.floor(1000 * share + 1e-9) / 10:.1f}" if share < 1 else f"{100 * share:.1f}"
    return told + (f" ± {100 * spread:.1f}" if spread is not None else "") + " %"


def verdict(found: Found) -> str:
    """Return the answer in a few sentences: of several seeds their mean, and the first, whose network is kept."""
    target = f"the target of {found.shown(found.asked.target)} {found.metric}"
    if not found.judged:
        return f"Not known yet: no full training was judged so far for {target}."
    begin = "Reached" if found.reached else "Not reached"
    if len(found.judged) == 1:
        return f"{begin}: {_of(found, found.judged[0], target)}"
    mean, met = fmean(found.values), sum(found.met(full) is not None for full in found.judged)
    return (
        f"{begin}: {found.shown(mean, stdev(found.values))}, the mean of {len(found.values)} seeds, is "
        f"{percent(found.share(mean))} of {target}, which {met} of them reached. Seed {found.judged[0].seed}, whose "
        f"network is kept, had {_of(found, found.judged[0], 'it')}"
    )


def _of(found: Found, full: Full, target: str) -> str:
    """Return what one training reached, when, and what was left of it at the end."""
    best, met, last = full.at_best, found.met(full), full.curve[-1]
    if not best:
        return "nothing."
    value = found.value(best)
    told = [
        f"{found.shown(value)} at epoch {best.epoch:,} of {full.epochs:,}, {percent(found.share(value))} of {target}, "
        f"after {duration(best.seconds)} of training and {duration(found.seconds_before + best.seconds)} of all phases."
    ]
    if met and met.epoch != best.epoch:
        told.append(f"The target was first met at epoch {met.epoch:,}, after {duration(met.seconds)} of training.")
    if last.epoch != best.epoch:
        told.append(f"The last epoch, {last.epoch:,}, had {found.shown(found.value(last))}.")
    return " ".join(told)
