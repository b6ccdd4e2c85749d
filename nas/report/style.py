"""How do figures look, in light and dark, on paper and on a phone?"""

import re
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from nas.disk import replacing

INK, MUTED, GRID = "#1f2329", "#59636f", "#d6dce2"
FEASIBLE, INFEASIBLE, INCUMBENT, BOUND = "#0b62c4", "#c2570c", "#1a7f38", "#b3261f"
SERIES = (FEASIBLE, INFEASIBLE, "#7a4fd0", "#0f7f86", "#a3479b", "#8a6d00")
_VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", FEASIBLE: "feasible", INFEASIBLE: "infeasible", INCUMBENT: "incumbent",
    BOUND: "bound", **{colour: f"series{i}" for i, colour in enumerate(SERIES) if i > 1},
}  # fmt: skip
_WIDTH, _HEIGHT = 5.2, 3.6  # inches: on a phone the letters stay legible, on a screen two stand side by side
_RULES: dict[Any, Any] = {
    "font.family": "sans-serif", "font.size": 11, "svg.fonttype": "none", "svg.hashsalt": "nas",
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "axes.grid": True, "grid.color": GRID, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "legend.fontsize": 10, "text.parse_math": False,
    "figure.constrained_layout.use": True, "lines.linewidth": 1.8,
}  # fmt: skip


def rules() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn in our style."""
    return mpl.rc_context(_RULES)


def canvas(height: float = _HEIGHT) -> Figure:
    """Return an empty figure, bound to no window; to be called within `rules()`."""
    return Figure((_WIDTH, height))


def save(figure: Figure, path: Path) -> str:
    """Write the figure as a file for a document (.svg) and one for a screen (.png), on white; return the SVG."""
    with rules():
        with replacing(path.with_suffix(".png")) as file:
            figure.savefig(file, format="png", dpi=130, facecolor="white", metadata={"Software": None})
        with replacing(path.with_suffix(".svg")) as file:
            figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None})
    return path.with_suffix(".svg").read_text(encoding="utf-8")


def inline(svg: str, name: str, title: str, words: str) -> str:
    """Return the SVG for an HTML page: its colours are the page's, its text alternatives are within."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)  # several figures share a page
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    svg = svg.replace("#ffffff", "none")
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    label = f'role="img" aria-labelledby="{name}-title {name}-words"'
    titles = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(words)}</desc>'
    return re.sub(r"<svg([^>]*)>", lambda match: f"<svg{match[1]} {label}>{titles}", svg, count=1)
