"""What one repository offers: its quantisations to choose one of, and what fetching that one would mean."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.quantisations import Verdict, quantisation_rows, verdict
from app.window.quantisation_list import QuantisationList
from app.window.widgets import set_text, wrapping_label
from router.wire.hub_offer import Offer


class OfferPanel(QWidget):
    """Signals:
    changed: another one is chosen, or there is nothing to choose any more.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._offer: Offer | None = None
        self.choices = QuantisationList()
        self.details = wrapping_label("muted")
        self.doubt = wrapping_label("failed")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addWidget(self.choices, 1)
        whole.addWidget(self.details)
        whole.addWidget(self.doubt)
        self.choices.chosen.connect(self._show_choice)
        self._show_choice()

    @property
    def verdict(self) -> Verdict | None:
        """What is said of the chosen one; None where none is."""
        reference = self.choices.reference
        return verdict(self._offer, reference) if self._offer is not None and reference is not None else None

    def show_offer(self, offer: Offer, chosen: str | None) -> None:
        """`chosen`: the reference to begin with."""
        self._offer = offer
        self.choices.show_rows(quantisation_rows(offer), chosen)
        self._show_choice()

    def clear(self) -> None:
        """Show nothing until there is another offer."""
        self._offer = None
        self.choices.clear()
        self._show_choice()

    def _show_choice(self) -> None:
        found = self.verdict
        self.setVisible(self._offer is not None)
        self.choices.setVisible(self._offer is not None)
        set_text(self.details, "\n".join(found.lines) if found else "")
        self.details.setVisible(bool(found and found.lines))
        set_text(self.doubt, found.doubt if found else "")
        self.doubt.setVisible(bool(found and found.doubt))
        self.changed.emit()
