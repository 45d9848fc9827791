"""A model's answer is nobody's program, whatever it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.page.conftest import Visitor

ANSWER = " ".join(
    (
        "Look: <script>window.hacked=1</script> <img src=x onerror=window.hacked=2> <svg/onload=hacked=3>",
        '<iframe srcdoc="<script>parent.hacked=4</script>"></iframe> <style>*{display:none}</style>',
        "[one](javascript:window.hacked=5) ![two](https://evil.example/pixel.png) <base href=//evil.example/>",
        '<meta http-equiv=refresh content="0;url=https://evil.example/"> <form action=/api/unload><input',
        "name=attributes><button>Send</button></form> <a id=app class=notice href=data:text/html,x>three</a>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hacked=6>'>",
        "[four](https://fine.example/) The end.",
    )
)
"""Through a real engine. Those below go to the sanitiser itself, past the Markdown."""

PAYLOADS = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg><script>window.hacked=1</script></svg>",
    "<svg><animate onbegin=window.hacked=1 attributeName=x dur=1s>",
    "<iframe src=javascript:window.hacked=1>",
    "<object data=javascript:window.hacked=1>",
    "<embed src=javascript:window.hacked=1>",
    "<a href=' javascript:window.hacked=1'>x</a>",
    "<a href=java&#x0A;script:window.hacked=1>x</a>",
    "<a href=data:text/html,<script>window.hacked=1</script>>x</a>",
    "<a href=vbscript:x>x</a>",
    "<a href=//evil.example>x</a>",
    "<details open ontoggle=window.hacked=1>",
    "<body onload=window.hacked=1>",
    "<input autofocus onfocus=window.hacked=1>",
    "<video><source onerror=window.hacked=1></video>",
    "<form id=x><input name=parentNode><input name=attributes></form>",
    "<p style='position:fixed;inset:0' class=notice id=app data-x=1 aria-label=x role=alert>x</p>",
    "<math><mtext><table><mglyph><style><math><img src onerror=window.hacked=1>",
    "<template><script>window.hacked=1</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=window.hacked=1>'>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
)
KNOWN = {"A", "BLOCKQUOTE", "BR", "CODE", "DEL", "EM", "HR", "LI", "OL", "P", "PRE", "STRONG", "TABLE", "UL"}
SEEN = """box => [...box.querySelectorAll('*')].map(node =>
    ({tag: node.tagName, attributes: Object.fromEntries([...node.attributes].map(a => [a.name, a.value]))}))"""


async def elements(page: Page, selector: str) -> list[tuple[str, dict[str, str]]]:
    found = await page.locator(selector).last.evaluate(SEEN)
    return [(node["tag"], node["attributes"]) for node in found]


def harmless(tag: str, attributes: dict[str, str]) -> bool:
    if tag == "A":
        href = attributes.pop("href", "https:")
        kept = {"target": "_blank", "rel": "noopener noreferrer"}
        return href.startswith(("https:", "http:", "mailto:")) and attributes == kept
    return tag in KNOWN and attributes.keys() <= {"start", "tabindex"}


async def test_an_answer_full_of_hostile_html_does_nothing(
    make_hal0: Callable[[str], Hal0], model_folder: Path, speaking_model: SpeakingModel, visit: Visitor
) -> None:
    shutil.copy(speaking_model(ANSWER, "hostile"), model_folder / "hostile.gguf")
    hal0 = make_hal0("slots:\n  primary: {model: hostile, autoload: true}\n")
    await hal0.start()
    await hal0.until_ready("hostile")
    assert "<script>window.hacked=1</script>" in await hal0.chat()
    seen = await visit()
    page = await seen.page(f"{hal0.url}/#/chat")
    await page.get_by_label("Message", exact=True).fill("Attack!")
    await page.keyboard.press("Enter")
    answer = page.locator(".answer .markdown")
    await expect(answer).to_contain_text("The end.")
    await expect(page.get_by_role("button", name="Retry")).to_be_enabled()
    found = await elements(page, ".answer .markdown")
    assert found and all(harmless(tag, attributes) for tag, attributes in found), found
    await expect(answer).to_contain_text("<script>window.hacked=1</script>")  # it is shown as what it is
    for link in await answer.get_by_role("link").all():
        assert (await link.get_attribute("href") or "https:").startswith("https://")
    assert await page.evaluate("[window.hacked, document.querySelectorAll('#app').length]") == [None, 1]
    assert page.url.startswith(hal0.url) and len(page.frames) == 1
    assert seen.hosts == {hal0.url.removeprefix("http://")}, "no picture was fetched"
    assert (await hal0.slot())["state"] == "ready"


@pytest.mark.parametrize("raw", [True, False], ids=["sanitiser", "markdown"])
async def test_known_attacks(hal0: Hal0, visit: Visitor, raw: bool) -> None:
    seen = await visit()
    # While it is taken apart, in a document that is nobody's, the policy watches already, and says so.
    seen.expected = ("violates the following Content Security Policy directive",)
    page = await seen.page(f"{hal0.url}/#/logs")
    await page.evaluate(
        "document.body.append(Object.assign(document.createElement('div'), {className: 'trial'}))"
    )
    show = """([text, raw]) => import('/page/js/chat/markdown.js').then(({rendered, sanitized}) =>
        document.querySelector('.trial').replaceChildren(raw ? sanitized(text) : rendered(text)))"""
    for payload in PAYLOADS:
        await page.evaluate(show, [payload, raw])
        found = await elements(page, ".trial")
        assert all(harmless(tag, attributes) for tag, attributes in found), (payload, found)
        for link in await page.locator(".trial a").all():
            if await link.get_attribute("href"):
                assert json.dumps(await link.get_attribute("href")).startswith(('"http', '"mailto'))
    assert await page.evaluate("window.hacked") is None
