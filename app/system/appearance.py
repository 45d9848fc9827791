"""Light or dark: as a person chose, else as the desktop says. Qt follows only some desktops by itself."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Any

from PySide6.QtCore import SLOT, QCoreApplication, QObject, Qt, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher, QDBusVariant
from PySide6.QtGui import QGuiApplication

# https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Settings.html
PORTAL, PORTAL_PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
SETTINGS, SPACE, KEY = "org.freedesktop.portal.Settings", "org.freedesktop.appearance", "color-scheme"
PORTAL_MS = 5000
_PROPERTY = "hal0-appearance"


class Appearance(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


_CHOSEN = {Appearance.LIGHT: Qt.ColorScheme.Light, Appearance.DARK: Qt.ColorScheme.Dark}
_SAID = {1: Qt.ColorScheme.Dark, 2: Qt.ColorScheme.Light}


def appearance_of(text: str) -> Appearance:
    """Return what was kept as `text`; what the system has, for anything else."""
    return Appearance(text) if text in Appearance.__members__.values() else Appearance.SYSTEM


def current_appearance() -> Appearance:
    """Return what was chosen last in this process."""
    return appearance_of(str(_application().property(_PROPERTY) or ""))


def _application() -> QCoreApplication:
    application = QCoreApplication.instance()
    assert application is not None, "there is one before anything is shown"
    return application


class ColourScheme(QObject):
    """Gives Qt the colour scheme, and follows the desktop's portal while nothing is chosen."""

    def __init__(self, chosen: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._said = Qt.ColorScheme.Unknown
        self._asking: QDBusPendingCallWatcher | None = None
        self.choose(chosen)
        if sys.platform == "linux":
            self._follow_portal()

    def choose(self, appearance: Appearance) -> None:
        _application().setProperty(_PROPERTY, appearance.value)
        self._apply()

    def _apply(self) -> None:
        wanted = _CHOSEN.get(current_appearance(), self._said)
        QGuiApplication.styleHints().setColorScheme(wanted)

    def _follow_portal(self) -> None:
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        # PySide's stubs want bytes here, which it refuses.
        slot: Any = SLOT("on_setting(QString,QString,QDBusVariant)")
        bus.connect("", PORTAL_PATH, SETTINGS, "SettingChanged", self, slot)
        question = QDBusMessage.createMethodCall(PORTAL, PORTAL_PATH, SETTINGS, "Read")
        question.setArguments([SPACE, KEY])
        # Not waited for: a portal that is started for this takes a while.
        self._asking = QDBusPendingCallWatcher(bus.asyncCall(question, PORTAL_MS), self)
        self._asking.finished.connect(self._on_answer)

    @Slot(QDBusPendingCallWatcher)
    def _on_answer(self, call: QDBusPendingCallWatcher) -> None:
        answer = call.reply()
        if answer.type() is QDBusMessage.MessageType.ReplyMessage and answer.arguments():
            self._note(answer.arguments()[0])
        call.deleteLater()
        self._asking = None

    @Slot(str, str, QDBusVariant)
    def on_setting(self, space: str, key: str, value: QDBusVariant) -> None:
        """Qt calls this for each setting of the desktop that changes."""
        if (space, key) == (SPACE, KEY):
            self._note(value)

    def _note(self, value: Any) -> None:
        while isinstance(value, QDBusVariant):  # `Read` wraps it twice
            value = value.variant()
        self._said = _SAID.get(value, Qt.ColorScheme.Unknown)
        self._apply()
