"""The tray icon: renders what `app.views.menu` decides, in place."""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage, QDBusVariant
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.link.link import Attached
from app.texts import common as text
from app.tray.icons import TrayIcons
from app.tray.menu import MenuView
from app.views.menu import IconState, icon_state, menu_spec, tooltip
from router.state import Snapshot

FRAME_MS = 500  # 2 Hz at most: each frame crosses D-Bus as pixels
LOOK_FOR_TRAY_MS = 2000
CALM_MS = 1000  # short requests in a row would have the icon flicker
MESSAGE_MS = 8000
TITLE_LIMIT = 63  # Windows cuts a title there
DBUS_MS = 2000


class Tray(QObject):
    """The icon, its menu and its messages. Without a tray in this session it waits for one.

    Signals:
        chosen: (Command) an entry of the menu was clicked.
        opened: the icon itself was clicked.
        appeared: an icon stands in a tray now.
    """

    chosen = Signal(object)
    opened = Signal()
    appeared = Signal()

    def __init__(self, snapshot: Snapshot, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._snapshot = snapshot
        self._frame = 0
        self._menu = QMenu()
        self._view = MenuView(self._menu, _escape_for_this_tray(), self)
        self._view.chosen.connect(self.chosen)
        hints = QGuiApplication.styleHints()
        self._icons = TrayIcons(hints.colorScheme())
        hints.colorSchemeChanged.connect(self._on_scheme)
        self._animation = QTimer(self, interval=FRAME_MS)
        self._animation.timeout.connect(self._on_frame)
        self._calm = QTimer(self, singleShot=True, interval=CALM_MS)
        self._calm.timeout.connect(self._draw_icon)
        self._icon: QSystemTrayIcon | None = None
        self._search = QTimer(self, interval=LOOK_FOR_TRAY_MS)
        self._search.timeout.connect(self._look_for_tray)
        self._search.start()
        self.show_snapshot(snapshot)
        self._look_for_tray()

    @property
    def visible(self) -> bool:
        """Whether a person can find hal0 in a tray."""
        return self._icon is not None

    @property
    def menu(self) -> QMenu:
        return self._menu

    @property
    def icon(self) -> QSystemTrayIcon | None:
        return self._icon

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot, attached: Attached | None = None) -> None:
        """Show this snapshot; called for each one, on the UI thread. `attached`: see app.link.link."""
        self._snapshot, self._attached = snapshot, attached
        self._view.show_rows(menu_spec(snapshot, time.time(), attached).rows)
        state = icon_state(snapshot)
        if state is IconState.BUSY:
            self._calm.start()
        switching = state is IconState.SWITCHING
        if switching != self._animation.isActive():
            self._frame = 0
            self._animation.start() if switching else self._animation.stop()
        self._draw_icon()

    def show_message(self, title: str, message: str, *, good: bool = False) -> None:
        """Show a notification, of trouble unless `good`; lost without a tray, so the snapshot says it too."""
        if self._icon is None:
            return
        icons = QSystemTrayIcon.MessageIcon
        # On a StatusNotifier tray Qt shows the message's icon in the tray's place while the message stands: the
        # tray would say "trouble" of a slot that is ready. With its own icon it goes on telling the state.
        icon = self._icon.icon() if sys.platform == "linux" else icons.Information if good else icons.Warning
        self._icon.showMessage(text.elide(title, TITLE_LIMIT), message, icon, MESSAGE_MS)

    def close(self) -> None:
        self._search.stop()
        self._animation.stop()
        self._calm.stop()
        if self._icon is not None:
            self._icon.hide()
            self._icon = None

    def _draw_icon(self) -> None:
        if self._icon is None:
            return
        state = icon_state(self._snapshot)
        if state is IconState.READY and self._calm.isActive():
            state = IconState.BUSY
        frames = self._icons.frames(state)
        icon = frames[self._frame % len(frames)]
        if self._icon.icon().cacheKey() != icon.cacheKey():
            self._icon.setIcon(icon)
        tip = tooltip(self._snapshot)
        if self._icon.toolTip() != tip:
            self._icon.setToolTip(tip)

    @Slot()
    def _on_frame(self) -> None:
        self._frame += 1
        self.show_snapshot(self._snapshot, self._attached)  # the menu's "12 s" moves with it

    @Slot()
    def _on_scheme(self) -> None:
        self._icons = TrayIcons(QGuiApplication.styleHints().colorScheme())
        self._draw_icon()

    @Slot()
    def _look_for_tray(self) -> None:
        """Make a new icon each time a tray appears: on X11 one made before its tray never registers."""
        available = QSystemTrayIcon.isSystemTrayAvailable()
        if available and self._icon is None:
            self._icon = QSystemTrayIcon(self)
            self._icon.setContextMenu(self._menu)
            self._icon.activated.connect(self._on_activated)
            self._draw_icon()
            self._icon.show()
            self.appeared.emit()
        elif not available and self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        reasons = QSystemTrayIcon.ActivationReason
        # On macOS a click opens the menu and is reported as a trigger as well.
        if sys.platform != "darwin" and reason in (reasons.Trigger, reasons.DoubleClick):
            self.opened.emit()


def status_notifier_host() -> bool:
    """Return whether Qt will hand the menu to a StatusNotifier host: the question Qt itself asks when it
    starts."""
    if sys.platform in ("win32", "darwin"):
        return False
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    name, path = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
    # Asked by hand: QDBusInterface.property answers only where the watcher can be introspected.
    question = QDBusMessage.createMethodCall(name, path, "org.freedesktop.DBus.Properties", "Get")
    question.setArguments([name, "IsStatusNotifierHostRegistered"])
    answer = bus.call(question, QDBus.CallMode.Block, DBUS_MS).arguments()
    return [value.variant() for value in answer if isinstance(value, QDBusVariant)] == [True]


def _escape_for_this_tray() -> text.Escape:
    return text.status_notifier_label if status_notifier_host() else text.qt_label
