"""Try it, with a real llama-server: streamed, stopped, asked again, thought aloud, told as curl and Python."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Page, expect

from router.state import Snapshot
from tests.app import scenes
from tests.e2e.conftest import ALPHA, BETA
from tests.e2e.harness import Hal0
from tests.e2e.test_ollama import THINKING_TEMPLATE, THOUGHTS
from tests.engines.running import make_server
from tests.fixtures_models import SpeakingModel
from tests.page.conftest import Visitor
from tests.page.stand_in import StandIn

Begin = Callable[[Snapshot], Awaitable[StandIn]]

TWO = "slots:\n  primary: {model: alpha, autoload: true}\n  coder: {model: beta}\n"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def say(page: Page, words: str) -> None:
    """Once the answer before has ended: until then nothing can be sent."""
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await page.get_by_label("Message", exact=True).fill(words)
    await page.keyboard.press("Enter")


async def code(page: Page, kind: str, index: int = 0) -> str:
    """What the page offers as `kind`, a very copy of it."""
    await page.get_by_role("button", name=kind, exact=True).nth(index).click()
    text = await page.get_by_role("region", name=f"The request as {kind}").inner_text()
    await page.get_by_role("button", name=kind, exact=True).nth(index).click()
    return text


async def test_the_very_request_runs_as_curl_and_as_python(hal0: Hal0, visit: Visitor, tmp_path: Path) -> None:
    seen = await visit()
    page = await seen.page(f"{hal0.url}/#/chat/primary")
    await page.get_by_text("Options").click()
    await page.get_by_label("System prompt").fill('It\'s "short"\nand \\ odd: €')
    for label, value in (("Temperature", "0.5"), ("Top k", "40"), ("Seed", "7"), ("Most tokens", "300")):
        await page.get_by_label(label).fill(value)
    async with page.expect_request("**/v1/chat/completions") as sent:
        await say(page, "Don't say 'JSON'\n`really`")
    await expect(page.locator(".answer .markdown")).to_have_text(ALPHA)
    await expect(page.locator(".answer .about")).to_contain_text("tokens/s")
    await expect(page.locator(".answer .about")).to_contain_text("alpha")
    body = json.loads((await sent.value).post_data or "")
    assert body["temperature"] == 0.5 and body["top_k"] == 40 and body["stream"] is True
    assert [message["role"] for message in body["messages"]] == ["system", "user"]

    curl, python = await code(page, "curl"), await code(page, "Python")
    assert json.loads(curl.splitlines()[-2]) == body
    # A PATH without curl's own settings; the shell is what a person pastes it into.
    shell = ["sh", "-c", curl]
    told = await asyncio.to_thread(subprocess.run, shell, capture_output=True, text=True, timeout=60)
    chunks = [json.loads(line[6:]) for line in told.stdout.splitlines() if line.startswith("data: {")]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == ALPHA
    script = tmp_path / "said.py"
    script.write_text(python)
    run = [sys.executable, str(script)]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, timeout=60, env=env)
    assert done.stdout.strip() == ALPHA, done.stderr


async def test_an_answer_is_streamed_stopped_and_asked_for_again(
    make_hal0: Callable[[str], Hal0], tmp_path: Path, model_folder: Path, visit: Visitor
) -> None:
    """The engine is a hand-written one that never ends by itself."""
    shutil.copy(model_folder / "alpha.gguf", model_folder / "endless.gguf")
    hal0 = make_hal0("slots:\n  primary: {model: endless, autoload: true}\n")
    hal0.env["HAL0_LLAMA_SERVER"] = str(make_server(tmp_path / "misbehaving-server"))
    await hal0.start()
    await hal0.until_ready()
    page = await (await visit()).page(f"{hal0.url}/#/chat")
    await say(page, "Hello?")
    answer = page.locator(".answer .markdown")
    await expect(answer).to_contain_text("I am endless")
    length = len(await answer.inner_text())
    await page.wait_for_function(
        "length => document.querySelector('.answer .markdown').innerText.length > length", arg=length
    )
    await page.get_by_role("button", name="Stop").click()
    await hal0.until_slot(lambda s: s["in_flight"] == 0, "the engine is free again")
    await expect(page.locator(".answer .about")).to_contain_text("stopped")
    await page.get_by_role("button", name="Retry").click()
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "asked again")
    await expect(answer).to_contain_text("I am endless")
    await page.get_by_label("Message", exact=True).focus()
    await page.keyboard.press("Escape")
    await hal0.until_slot(lambda s: s["in_flight"] == 0, "stopped by keyboard")
    await expect(page.locator(".turn")).to_have_count(2)


async def test_thoughts_are_folded(
    make_hal0: Callable[[str], Hal0], model_folder: Path, speaking_model: SpeakingModel, visit: Visitor
) -> None:
    shutil.copy(speaking_model(THOUGHTS, "wise"), model_folder / "wise.gguf")
    template = model_folder / "think.jinja"
    template.write_text(THINKING_TEMPLATE)
    hal0 = make_hal0(
        f"models:\n  thinker: {{file: wise.gguf, flags: {{chat-template-file: {template}}}}}\n"
        "slots:\n  primary: {model: thinker}\n"
    )
    await hal0.start()
    page = await (await visit()).page(f"{hal0.url}/#/chat")
    await expect(page.get_by_text("wise").or_(page.get_by_text("thinker")).first).to_be_attached()
    await say(page, "Well?")
    await expect(page.locator(".answer .markdown")).to_have_text("It is done.")
    thoughts = page.get_by_text("One moment.")
    await expect(thoughts).to_be_hidden()
    await page.get_by_text("Thinking", exact=True).click()
    await expect(thoughts).to_be_visible()


async def test_two_slots_side_by_side(make_hal0: Callable[[str], Hal0], visit: Visitor) -> None:
    """The second one's model is loaded by the question."""
    hal0 = make_hal0(TWO)
    await hal0.start()
    await hal0.until_ready("alpha")
    page = await (await visit()).page(f"{hal0.url}/#/chat/primary")
    await page.get_by_role("button", name="Compare with another").click()
    panes = page.locator(".pane")
    await expect(panes).to_have_count(2)
    await expect(panes.nth(1).get_by_label("Who answers")).to_have_value("coder")
    await say(page, "Who are you?")
    await expect(panes.nth(0).locator(".markdown")).to_have_text(ALPHA)
    await expect(panes.nth(1).locator(".markdown")).to_have_text(BETA)
    states = {slot["name"]: slot["state"] for slot in (await hal0.state())["slots"]}
    assert states == {"primary": "ready", "coder": "ready"}
    await say(page, "And again?")
    for pane in (0, 1):
        await expect(panes.nth(pane).locator(".markdown")).to_have_count(2)
    await page.get_by_role("button", name="Close the conversation with coder").click()
    await expect(panes).to_have_count(1)
    await page.get_by_role("button", name="New chat").click()
    await expect(page.locator(".turn")).to_have_count(0)


async def test_a_conversation_goes_on_and_outlives_a_look_elsewhere(hal0: Hal0, visit: Visitor) -> None:
    page = await (await visit()).page(f"{hal0.url}/#/chat")
    await say(page, "One")
    await expect(page.locator(".markdown")).to_have_count(1)
    await page.get_by_role("link", name="Models", exact=True).click()
    await page.get_by_role("link", name="Try it", exact=True).click()
    await expect(page.locator(".markdown")).to_have_text(ALPHA)
    async with page.expect_request("**/v1/chat/completions") as sent:
        await say(page, "Two")
    body = json.loads((await sent.value).post_data or "")
    assert [m["content"] for m in body["messages"]] == ["One", ALPHA, "Two"]
    await expect(page.locator(".markdown")).to_have_count(2)


async def test_what_fails_is_said(make_hal0: Callable[[str], Hal0], model_folder: Path, visit: Visitor) -> None:
    alpha = (model_folder / "alpha.gguf").read_bytes()
    (model_folder / "odd.gguf").write_bytes(alpha.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight"))
    hal0 = make_hal0("slots:\n  primary: {model: odd}\n")
    await hal0.start()
    page = await (await visit()).page(f"{hal0.url}/#/chat")
    await say(page, "Hello?")
    await expect(page.locator(".answer .bad")).to_contain_text("odd")
    await expect(page.get_by_role("button", name="Retry")).to_be_enabled()


async def test_a_picture_goes_along_where_the_model_sees(stand_in: Begin, visit: Visitor) -> None:
    """No small model that sees is at hand: a snapshot says that one does, and what is sent is looked at."""
    eyes = replace(scenes.PRIMARY, capabilities=("completion", "vision"))
    hal0 = await stand_in(replace(scenes.ready(), slots=(eyes, scenes.CODER)))
    seen = await visit()
    await seen.context.route("**/v1/chat/completions", lambda route: route.abort())
    page = await seen.page(f"{hal0.url}/#/chat/coder")
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()
    assert await page.get_by_text("Add image").count() == 0, "this one does not"
    await page.get_by_label("Who answers").select_option("primary")
    await page.locator("input[type=file]").set_input_files(
        [{"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL}]
    )
    await expect(page.get_by_role("img", name="Image 1")).to_be_visible()
    async with page.expect_request("**/v1/chat/completions") as sent:
        await say(page, "What is this?")
    [message] = json.loads((await sent.value).post_data or "")["messages"]
    url = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    text = {"type": "text", "text": "What is this?"}
    assert message == {"role": "user", "content": [text, {"type": "image_url", "image_url": {"url": url}}]}


async def test_an_engine_that_fails_and_a_model_that_is_gone_are_told(
    make_hal0: Callable[[str], Hal0], model_folder: Path, visit: Visitor
) -> None:
    """And what was said before stays, to go on with another."""
    alpha = (model_folder / "alpha.gguf").read_bytes()
    (model_folder / "odd.gguf").write_bytes(alpha.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight"))
    hal0 = make_hal0(TWO)
    await hal0.start()
    await hal0.until_ready("alpha")
    page = await (await visit()).page(f"{hal0.url}/#/chat")
    who, answers = page.get_by_label("Who answers"), page.locator(".answer")
    await who.select_option("odd")
    await say(page, "Hello?")
    await expect(answers.last.locator(".bad")).to_contain_text("tensor 'blk.0.attn_norm.weight' not found")
    await who.select_option("beta")
    await say(page, "And you?")
    await expect(answers.last.locator(".markdown")).to_have_text(BETA)

    (model_folder / "beta.gguf").unlink()
    assert (await hal0.post("/api/reload"))[0] == 200
    await expect(who.locator("option:checked")).to_have_text("beta · no longer offered")
    assert (await hal0.post("/api/unload"))[0] == 200
    await say(page, "Still there?")
    await expect(answers.last.locator(".bad")).to_contain_text("beta")
    await who.select_option("alpha")
    await expect(who.locator("option", has_text="no longer offered")).to_have_count(0)
    await page.get_by_role("button", name="Retry").click()
    await expect(answers.last.locator(".markdown")).to_have_text(ALPHA)
    await expect(page.locator(".question")).to_have_count(3)
