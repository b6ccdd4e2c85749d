"""`nas spaces` and `nas data`: what is there to choose from?"""

from argparse import Namespace

from nas.cli.commands.table import Table, shown
from nas.data import sources
from nas.spaces.space import load, names


def spaces(flags: Namespace) -> int:
    """List the search spaces that come with the project."""
    table = Table("space", "hyperparameters", "default configuration")
    for name in names():
        space = load(name)
        default = ", ".join(f"{key} {value}" for key, value in space.default.items())
        table.add_row(name, str(len(space.space)), default)
    print(shown(table))
    print("Your own: --space FILE.py, a file with space(), build(config, input_shape, num_classes) and DEFAULT")
    print("One network: --space resnet18 or another of torchvision, timm/NAME, FILE.py:function, model/SPACE")
    return 0


def list_data() -> int:
    """List the data sets by name."""
    table = Table("data set", "classes", "here", "what it is")
    for known in sources():
        table.add_row(known.name, str(known.classes), "yes" if known.present() else "to download", known.description)
    print(shown(table))
    print("Your own: --data DIR, a folder with train/CLASS/IMAGE and, if there, val/ and test/ alike")
    return 0
