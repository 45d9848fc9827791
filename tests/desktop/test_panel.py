"""The tray in xfce4-panel, driven with the mouse: what a person sees and does."""

from __future__ import annotations

from tests.desktop.conftest import Desktop
from tests.desktop.panel import menus, open_first_submenu, open_menu
from tests.desktop.test_tray import APP, environment, radio_labels, ready_item


async def test_a_person_switches_the_model_in_the_panel(panel_desktop: Desktop) -> None:
    session = panel_desktop.session
    session.launch([*APP, "--hidden"], environment(step=1.0))
    item = await ready_item(panel_desktop)
    before = await item.menu()
    open_first_submenu(session, open_menu(session))
    session.screenshot("panel-1-menu")
    # GTK's keys: into the submenu (to its first enabled entry), one down, choose.
    session.xdotool("key", "Right", "Down", "Return")
    await item.wait_label("→ Gemma-27B & vision · Loading 5%")
    open_first_submenu(session, open_menu(session, settled=False))
    session.screenshot("panel-2-switching")  # on a busy computer the switch may be over by now
    done = await item.wait_label("primary · Gemma-27B & vision · Ready")
    session.screenshot("panel-3-open-menu-after-the-switch")
    assert len(menus(session)) == 2, "the panel closed the open menu: a row must have come or gone"
    assert [e.id for e in done.walk()] == [e.id for e in before.walk()]
    assert radio_labels(done) == ["Gemma-27B & vision   16.1 GB · loaded"]
