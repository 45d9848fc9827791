"""Reads and clicks a tray menu the way a panel does: over StatusNotifierItem and com.canonical.dbusmenu."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from dbus_fast import BusType, Message, MessageType, RequestNameReply, Variant
from dbus_fast.aio import MessageBus

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"
WAIT_SECONDS = 20.0
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One menu entry as a host shows it: `label` has its mnemonic marks resolved, `raw` is what was sent."""

    id: int
    raw: str
    enabled: bool
    radio: bool
    checked: bool
    separator: bool
    children: tuple[Entry, ...]

    @property
    def label(self) -> str:
        return re.sub(r"_(.)", r"\1", self.raw)

    def walk(self) -> Iterator[Entry]:
        """This entry and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, *path: str) -> Entry:
        """The entry below this one whose labels start with the words of `path`, level by level."""
        entry = self
        for word in path:
            found = [child for child in entry.children if child.label.startswith(word)]
            assert found, f"no entry {word!r} among {[child.label for child in entry.children]}"
            entry = found[0]
        return entry


class Bus:
    """A connection to the session's bus that counts the signals it hears, so that waiting needs no polling."""

    def __init__(self, connection: MessageBus) -> None:
        self._connection = connection
        self._heard = asyncio.Event()
        self.items: list[str] = []
        connection.add_message_handler(self._on_message)

    @classmethod
    async def connect(cls, address: str) -> Bus:
        bus = cls(await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect())
        await bus.call("org.freedesktop.DBus", "/org/freedesktop/DBus", None, "AddMatch", "s", "type='signal'")
        return bus

    def close(self) -> None:
        self._connection.disconnect()

    async def be_watcher(self) -> None:
        """Own the registry's name and claim that a host shows the icons."""
        reply = await self._connection.request_name(WATCHER)
        assert reply is RequestNameReply.PRIMARY_OWNER

    async def call(
        self, to: str, path: str, interface: str | None, member: str, types: str = "", *args: Any
    ) -> Any:
        """Call a method; returns its only result, or the list of them."""
        message = Message(
            destination=to, path=path, interface=interface, member=member, signature=types, body=list(args)
        )
        # Not wait_for(): on Python 3.11 it may swallow the cancellation of a timeout around it.
        async with asyncio.timeout(WAIT_SECONDS):
            reply = await self._connection.call(message)
        assert reply is not None
        assert reply.message_type is MessageType.METHOD_RETURN, f"{member}: {reply.error_name} {reply.body}"
        return reply.body[0] if len(reply.body) == 1 else reply.body

    async def get(self, to: str, path: str, interface: str, name: str) -> Any:
        variant = await self.call(to, path, PROPERTIES, "Get", "ss", interface, name)
        return variant.value

    async def owns_name(self, name: str) -> bool:
        return bool(
            await self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", None, "NameHasOwner", "s", name)
        )

    async def wait_until(self, look: Callable[[], Any], what: str) -> Any:
        """Await `look()` after each signal on the bus until it returns something true."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    self._heard.clear()
                    if found := await look():
                        return found
                    await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"waited {WAIT_SECONDS:.0f} s for {what}") from None

    async def tray_item(self) -> TrayItem:
        """The first icon that registers with the session's watcher, ours or a panel's."""

        async def look() -> TrayItem | None:
            if not await self.owns_name(WATCHER):
                return None
            registered = self.items or await self.get(
                WATCHER, WATCHER_PATH, WATCHER, "RegisteredStatusNotifierItems"
            )
            if not registered:
                return None
            name, _, path = registered[0].partition("/")
            return TrayItem(self, name, "/" + (path or "StatusNotifierItem"))

        item: TrayItem = await self.wait_until(look, "an icon in the tray")
        return item

    def _on_message(self, message: Message) -> Message | None:
        if message.message_type in (MessageType.SIGNAL, MessageType.METHOD_CALL):
            self._heard.set()
        if message.path != WATCHER_PATH or message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "RegisterStatusNotifierItem":
            said = message.body[0]
            self.items.append(f"{message.sender}{said}" if said.startswith("/") else said)
            return Message.new_method_return(message)
        properties = {
            "RegisteredStatusNotifierItems": Variant("as", self.items),
            "IsStatusNotifierHostRegistered": Variant("b", True),
            "ProtocolVersion": Variant("i", 0),
        }
        if message.member == "Get":
            return Message.new_method_return(message, "v", [properties[message.body[1]]])
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [properties])
        return None


class TrayItem:
    """One icon and its menu."""

    def __init__(self, bus: Bus, name: str, path: str) -> None:
        self._bus = bus
        self.name = name
        self.path = path
        self._menu_path: str | None = None

    async def property(self, name: str) -> Any:
        """A StatusNotifierItem property, such as `ToolTip`, `IconPixmap` or `Id`."""
        return await self._bus.get(self.name, self.path, ITEM, name)

    async def activate(self) -> None:
        """A left click on the icon."""
        await self._bus.call(self.name, self.path, ITEM, "Activate", "ii", 0, 0)

    async def menu(self) -> Entry:
        """The menu as it is now, under an unnamed root."""
        if self._menu_path is None:
            self._menu_path = await self.property("Menu")
        layout = await self._bus.call(self.name, self._menu_path, MENU, "GetLayout", "iias", 0, -1, [])
        return _entry(layout[1])

    async def click(self, *path: str) -> None:
        """Choose the entry with these labels (their beginnings suffice)."""
        entry = (await self.menu()).find(*path)
        assert entry.enabled, f"{entry.label!r} is disabled"
        assert self._menu_path is not None
        data = Variant("s", "")
        await self._bus.call(self.name, self._menu_path, MENU, "Event", "isvu", entry.id, "clicked", data, 0)

    async def wait_for(self, condition: Callable[[Entry], bool], what: str) -> Entry:
        """Wait until the menu meets `condition`; returns that menu."""

        async def look() -> Entry | None:
            menu = await self.menu()
            return menu if condition(menu) else None

        found: Entry = await self._bus.wait_until(look, what)
        return found

    async def wait_tool_tip(self, beginning: str) -> None:
        """Wait until the tool tip begins so: a request that was answered counts as busy for a moment more."""

        async def look() -> bool:
            return bool((await self.property("ToolTip"))[2].startswith(beginning))

        await self._bus.wait_until(look, f"a tool tip that begins with {beginning!r}")

    async def wait_label(self, part: str) -> Entry:
        """Wait until some entry's label contains `part`; returns the menu."""
        return await self.wait_for(
            lambda menu: any(part in e.label for e in menu.walk()), f"a label with {part!r}"
        )


def _entry(layout: Any) -> Entry:
    number, properties, children = layout
    value = {name: variant.value for name, variant in properties.items()}
    return Entry(
        id=number,
        raw=value.get("label", ""),
        enabled=value.get("enabled", True),
        radio=value.get("toggle-type") == "radio",
        checked=value.get("toggle-state") == 1,
        separator=value.get("type") == "separator",
        children=tuple(_entry(child.value) for child in children),
    )
