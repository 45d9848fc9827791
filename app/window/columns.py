"""Lists with columns: as wide as what usually stands in them, and fewer where there is little room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTreeView


def lay_out_columns(
    tree: QTreeView, titles: Sequence[str], samples: Mapping[int, str], rest: int, padding: int
) -> None:
    """Make it a list of whole rows. Each column is as wide as its title or the longest ordinary text of it, in
    `samples`, and `padding` pixels; `rest` takes what is left. Tab leaves the list."""
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setAllColumnsShowFocus(True)
    tree.setAlternatingRowColors(True)
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    tree.setTabKeyNavigation(False)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(rest, QHeaderView.ResizeMode.Stretch)
    for column, sample in samples.items():
        longest = max(sample, titles[column], key=len)
        header.resizeSection(column, tree.fontMetrics().horizontalAdvance(longest) + padding)


def hide_columns(tree: QTreeView, needs: Mapping[int, int], width: int) -> None:
    """Show only the columns that there is room for: `needs` says from which width of the list, in pixels."""
    for column, needed in needs.items():
        tree.setColumnHidden(column, width < needed)
