"""What would a person want to know of a data set before a search learns from it? One line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.data.files import Checked
from nas.data.images import Images


def remarks(images: Images, folds: int, test: Checked) -> list[str]:
    """Return lines on what was left out or converted, on copies, and on what becomes of the validation images."""
    beyond = f"{test.beyond:,} of {len(test.contents):,} test images have values beyond those of all training images"
    cut = [f"{beyond}: they are cut off there"] if test.beyond else []
    return [*images.notes, *cut, *_copies(images, test.contents), *_mixed(images, folds)]


def _mixed(images: Images, folds: int) -> Iterator[str]:
    if images.holdout and folds > 1:
        yield (
            f"the {len(images.holdout):,} validation images are mixed with the others in {folds} folds; "
            "--folds 1 judges on them alone"
        )


def _copies(images: Images, test: Sequence[bytes]) -> Iterator[str]:
    """Yield lines on exact copies, which make a network look better than it is, or cannot be learned."""
    known = set(images.contents)
    twice = sum(content in known for content in test)
    if twice:
        yield f"{twice:,} of {len(test):,} test images are exact copies of training images, and prove nothing"
    held = set(images.holdout)
    if held and images.contents:
        trained = {content for number, content in enumerate(images.contents) if number not in held}
        again = sum(images.contents[number] in trained for number in held)
        if again:
            yield f"{again:,} of {len(held):,} validation images are exact copies of training images"
    twins = len(images.contents) - len(set(images.contents))
    if twins and not held:
        yield f"{twins:,} of {len(images.contents):,} training images are copies of others, which folds may tear apart"
    yield from _contradictions(images)


def _contradictions(images: Images) -> Iterator[str]:
    labels = dict[bytes, set[int]]()
    for content, label in zip(images.contents, images.labels.tolist(), strict=False):
        labels.setdefault(content, set()).add(label)
    torn = [sorted(each) for each in labels.values() if len(each) > 1]
    if torn:
        names = " and ".join(f'"{images.classes[label]}"' for label in torn[0][:2])
        count = "1 image is" if len(torn) == 1 else f"{len(torn):,} images are"
        yield f"{count} in several classes at once, in {names}{' for one' if len(torn) > 1 else ''}"
