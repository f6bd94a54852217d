"""What every function of :mod:`ontograft.explore` returns: a picture and a table for people, a frame and a graph for code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ontograft import show
from ontograft.errors import OptionError
from ontograft.output import replacing

if TYPE_CHECKING:
    import networkx
    import pandas

    from ontograft.explore.drawing import Drawing
    from ontograft.show import Piece

_ROWS_SHOWN: Final = 200
_ROWS_OPEN: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A count to show as a bar."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Something to look at. A notebook shows it by itself; what it shows needs nothing but itself, and no script.

    Attributes:
        title: what it is.
        note: what there is to see, in a sentence or two.
        columns: names of the table's columns.
        rows: the table: one row an edge of the graph, and one for each node without edges where the function says so.
        graph: the same as a graph.
        drawing: the picture.
        bars: counts to show above it.
        pieces: a tagged text to show above it.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    graph: networkx.MultiDiGraph[Any]
    drawing: Drawing | None = None
    bars: tuple[Bar, ...] = ()
    pieces: tuple[Piece, ...] = ()

    def to_frame(self) -> pandas.DataFrame:
        """The table for code: numbers are numbers, and what is missing is missing.

        Raises:
            OptionError: pandas is not installed; the message says how it is.
        """
        try:
            import pandas
        except ImportError:
            raise OptionError('to_frame needs pandas, which is not installed: pip install "ontograft[notebook]"') from None
        return pandas.DataFrame([list(row) for row in self.rows], columns=list(self.columns))

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """The graph: a copy, yours to change."""
        return self.graph.copy()

    def to_html(self, path: str | Path | None = None) -> str:
        """A page of its own, which loads nothing from anywhere.

        Args:
            path: where to write it, too; readable by its owner only, for it may show a record.
        """
        page = self._render("page.html", body="explore.html")
        if path is not None:
            with replacing(Path(path), private=True) as file:
                file.write(page)
        return page

    def _repr_html_(self) -> str:
        return self._render("explore.html")

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self.rows)} rows, {len(self.graph)} nodes, {self.graph.number_of_edges()} edges>"

    def _render(self, template: str, **more: str) -> str:
        html = show.template(template).render(
            title=self.title,
            view=self,
            rows=[[_cell(value) for value in row] for row in self.rows[:_ROWS_SHOWN]],
            numeric=[_numeric(row[i] for row in self.rows) for i in range(len(self.columns))],
            is_open=len(self.rows) <= _ROWS_OPEN or self.drawing is None,
            most=max((bar.count for bar in self.bars), default=1),
            colours=_colours(self.pieces),
            **more,
        )
        return html.encode("utf-8", "replace").decode()  # a text may hold half a surrogate pair, which no file or message can


def counted(number: int, noun: str) -> str:
    """``1 edge``, ``2 edges``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _colours(pieces: Sequence[Piece]) -> dict[str, int]:
    labels = sorted({piece.entity.label for piece in pieces if piece.entity is not None})
    return {label: i % 8 for i, label in enumerate(labels)}


def _numeric(values: Any) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
