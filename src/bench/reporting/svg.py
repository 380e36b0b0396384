"""From a matplotlib figure to SVG that a page can hold: small, in the page's colours, the same every time."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"
"""What stands for the colour of text and lines, which is the page's own: light or dark."""
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7f6cc4",
    "#8c8c8c",
)
"""Those of Okabe and Ito 2008 but for their yellow, which white swallows, and their black: told apart by
colour-blind eyes; then one more and grey."""
DASHES = ("-", "--", ":", "-.")
"""Of lines that share a colour."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.4,
    "path.simplify": True,
}


_JOINS = 'style="stroke-linejoin: round; stroke-linecap: butt"'
"""What matplotlib says of every element of a page in a style sheet; here it is said of the figure."""


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """Lend an empty figure of so many inches; what the caller's matplotlib is set to does not matter."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        yield figure


def svg(figure: Figure, name: str, title: str) -> str:
    """Return a figure as one element of HTML or a file of its own, inside `canvas`.

    `name` keeps its ids apart from those of other figures in a page; `title` is what is read aloud.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.StringIO()
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    return _tidied(out.getvalue(), name, title)


def _tidied(text: str, name: str, title: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\g<1>"', text)
    text = re.sub(r'(url\(#|xlink:href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", text)
    text = text.replace(INK, "currentColor").replace("'DejaVu Sans'", "'DejaVu Sans', sans-serif")
    text = re.sub(r">\s*\n\s*<", ">\n<", text)
    label = html.escape(title)
    return re.sub(
        r'<svg ([^>]*?)width="[^"]*"([^>]*)>',
        rf'<svg \1\2 {_JOINS} role="img" aria-label="{label}"><title>{label}</title>',
        re.sub(r'height="[0-9.]+pt" ', "", text, count=1),
        count=1,
    )
