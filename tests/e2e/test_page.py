"""The page in Chromium, as a person sees it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from service.bootstrap import now
from service.domain.runs import RunState, Step
from service.web.pages.sessions import COOKIE
from tests.support.browser import Reader, chromium, reading
from tests.support.page_stage import Scene, page_scene

WIDE, PHONE = {"width": 1200, "height": 800}, {"width": 390, "height": 800}
# WCAG 2.2, 1.4.3: contrast (minimum).
CONTRAST = 4.5
# Gives what is written with too little contrast, as text and ratio.
TOO_FAINT = """least => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => [red, green, blue]
    .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.checkVisibility() || element.tagName === "title") continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [high, low] = [light(numbers(ink)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < least) faint.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, sqlite_template: Path) -> Iterator[Scene]:
    with page_scene(tmp_path_factory.mktemp("page"), valkey_url, sqlite_template) as made:
        yield made


@pytest.fixture
def reader(browser: Browser, scene: Scene) -> Iterator[Reader]:
    with reading(browser, scene.stage.port, viewport=WIDE) as made:
        yield made


def paths(scene: Scene) -> list[str]:
    snapshot = scene.stage.deps.runs.get(scene.promoted).snapshot_id
    judged = [f"/runs/{scene.promoted}/report", "/pipelines/summaries/curve"]
    runs = [f"/runs/{name}" for name in (scene.promoted, scene.failed, scene.waiting)]
    return ["/", "/pipelines/summaries", "/runs", *runs, *judged, "/datasets", f"/datasets/{snapshot}", "/dead-letters"]


def test_a_person_signs_in_sees_why_and_opens_a_run_without_a_complaint(reader: Reader, scene: Scene) -> None:
    reader.sign_in()
    card = reader.page.get_by_role("article").filter(has=reader.page.get_by_role("link", name="idle", exact=True))
    expect(card).to_contain_text("0 of 10 new examples below_threshold")
    reader.page.get_by_role("link", name="summaries", exact=True).first.click()
    reader.page.get_by_role("link", name="No. 1").first.click()
    expect(reader.page).to_have_url(re.compile(f"/runs/{scene.promoted}$"))
    assert reader.heading() == "summaries, run 1 promoted"
    expect(reader.page.get_by_role("img", name="Loss by step")).to_be_visible()
    reader.page.get_by_role("navigation").get_by_role("link", name="Dead letters").click()
    assert reader.heading() == "Dead letters"
    assert reader.complaints == []
    assert all(address.startswith(reader.base) for address in reader.asked)


def test_signing_out_closes_every_page(reader: Reader) -> None:
    reader.sign_in("/runs")
    reader.page.get_by_role("button", name="Sign out").click()
    assert reader.heading() == "Sign in"
    reader.go("/runs")
    assert reader.heading() == "Sign in"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_can_be_read_by_day_by_night_and_on_a_phone(
    browser: Browser, scene: Scene, scheme: Literal["light", "dark"], size: dict[str, int]
) -> None:
    with reading(browser, scene.stage.port, viewport=size, color_scheme=scheme) as reader:
        reader.go("/")
        assert reader.page.evaluate(TOO_FAINT, CONTRAST) == []
        reader.sign_in()
        for path in paths(scene):
            reader.go(path)
            assert reader.page.evaluate(TOO_FAINT, CONTRAST) == [], path
            # What is too wide scrolls in its own frame, and the page does not.
            assert reader.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert reader.complaints == []


def test_without_scripts_everything_is_there(browser: Browser, scene: Scene) -> None:
    with reading(browser, scene.stage.port, java_script_enabled=False) as reader:
        reader.sign_in(f"/runs/{scene.waiting}")
        expect(reader.page.get_by_text(f"tuneloop runs approve {scene.waiting}").first).to_be_visible()


def test_a_link_from_elsewhere_needs_no_second_sign_in(reader: Reader) -> None:
    reader.sign_in()
    reader.page.goto("data:text/html,<a href='" + reader.base + "/runs'>runs</a>")
    reader.page.get_by_role("link").click()
    reader.page.wait_for_url(reader.base + "/runs")
    assert reader.heading() == "Runs"


def test_whoever_watches_sees_what_changes_and_is_told_when_it_cannot_be_renewed(reader: Reader, scene: Scene) -> None:
    reader.page.clock.install()
    reader.sign_in(f"/runs/{scene.waiting}")
    runs = scene.stage.deps.runs
    runs.record(runs.get(scene.waiting), Step(RunState.CANCELLED, "cancelled by hand"), now=now())
    history = reader.page.get_by_role("group", name="History")
    history.focus()
    reader.page.clock.run_for(30_000)
    expect(reader.page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    expect(history).to_be_focused()
    stale = reader.page.get_by_text("This page could not be renewed")
    expect(stale).to_be_hidden()
    reader.page.context.set_offline(offline=True)
    reader.page.clock.run_for(30_000)
    expect(stale).to_be_visible()
    reader.page.context.set_offline(offline=False)
    reader.page.clock.run_for(30_000)
    expect(stale).to_be_hidden()


def test_a_session_that_is_over_ends_at_the_sign_in_and_goes_on_from_there(reader: Reader) -> None:
    reader.page.clock.install()
    reader.sign_in("/datasets")
    reader.page.context.clear_cookies(name=COOKIE)
    reader.page.clock.run_for(30_000)
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    reader.sign_in("/datasets")
    assert reader.heading() == "Datasets"
