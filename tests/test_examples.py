"""The examples run, and print what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOLD = {
    "own_loop_hyper.py": "rate 1e-05 became ",
    "own_loop_autolrs.py": "8 rates tried, ",
    "own_policy.py": "polynomial keeps its promises\n",
    "own_strategy.py": "climb ",
    "resnet20.py": "ResNet-20: 269,722 parameters\n",
    "vgg16.py": "VGG16: 14,724,042 parameters\n",
}


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_an_example_runs(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"examples.{name.removesuffix('.py')}"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(TOLD[name])
