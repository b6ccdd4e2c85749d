"""How do figures look, in light and dark, on paper and on a phone?"""

import re
import warnings
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

from nas.core.words import one_line
from nas.runs.disk import replacing

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


_LONGEST = 40  # letters of any text in a figure


def rules() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn in our style."""
    return mpl.rc_context(_RULES)


def canvas(height: float = _HEIGHT) -> Figure:
    """Return an empty figure, bound to no window; to be called within `rules()`."""
    return Figure((_WIDTH, height))


def label(name: str, longest: int = 30) -> str:
    """Return a name as it stands in a figure: in one line, not too long, and in a legend whatever it begins with."""
    text = one_line(name)
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f" {text}" if text.startswith("_") else text  # which matplotlib leaves out of legends


def save(figure: Figure, path: Path) -> str:
    """Write the figure as a file for a document (.svg) and one for a screen (.png), on white; return the SVG."""
    for text in figure.findobj(Text):
        text.set_text(label(text.get_text(), _LONGEST))
    with rules(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of a name in letters that the font lacks
        with replacing(path.with_suffix(".png")) as file:
            figure.savefig(file, format="png", dpi=130, facecolor="white", metadata={"Software": None})
        with replacing(path.with_suffix(".svg")) as file:
            figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None})
    return path.with_suffix(".svg").read_text(encoding="utf-8")


def inline(svg: str, name: str, title: str, words: str) -> str:
    """Return the SVG for an HTML page: its colours are the page's, its text alternatives are within."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub("<[^>]*>", lambda tag: _of_page(tag[0], name), svg)  # but no text: a name may look like any of it
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    role = f'role="img" aria-labelledby="{name}-title {name}-words"'
    told = [escape(one_line(text)) for text in (title, words)]
    titles = f'<title id="{name}-title">{told[0]}</title><desc id="{name}-words">{told[1]}</desc>'
    return re.sub(r"<svg([^>]*)>", lambda match: f"<svg{match[1]} {role}>{titles}", svg, count=1)


def _of_page(tag: str, name: str) -> str:
    """Return a tag of the figure `name` as one of a page, which has several figures and colours of its own."""
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = re.sub(r'(href="#|url\(#)', rf"\1{name}-", tag).replace("#ffffff", "none")
    for colour, variable in _VARIABLES.items():
        tag = tag.replace(colour, f"var(--{variable})")
    return tag
