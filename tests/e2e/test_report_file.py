"""The report as a file in Chromium: nothing is loaded, nothing runs, and its anchors are filters."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from service.web.pages.report import report_html
from tests.support.browser import chromium
from tests.support.report_stores import half_leaking, told
from tests.support.workshop import Workshop


@pytest.fixture
def page() -> Iterator[Page]:
    """Give a page of a browser that runs no script and reaches no network."""
    with chromium() as browser:
        yield opened(browser)


def opened(browser: Browser) -> Page:
    return browser.new_context(java_script_enabled=False, offline=True).new_page()


@pytest.fixture
def path(sqlite_engine: sa.Engine, tmp_path: Path) -> Path:
    """Give the report of a run half of whose answers leak."""
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.fill()
    shop.go(shop.train())
    shop.fill(60, 90)
    made = tmp_path / "report.html"
    made.write_text(report_html(told(shop, shop.go(shop.train(2, voice=half_leaking)).run_id)))
    return made


ODD = (
    "<script>document.title = 'odd'</script><img src=x onerror=\"document.title = 'odd'\">",
    "العميل يسأل عن طرد متأخر jane@example.com",
    "x" * 2000,
)


def test_odd_texts_run_nothing_read_their_own_way_and_fit_a_phone(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    shop = Workshop(sqlite_engine, tmp_path / "files")
    shop.fill()
    run_id = shop.go(shop.train(voice=lambda prompt: ODD[len(shop.trainer.asked) % len(ODD)] + prompt[:9])).run_id
    path = tmp_path / "report.html"
    path.write_text(report_html(told(shop, run_id)))
    title = f"summaries, run 1: {told(shop, run_id).verdict.outcome} - Tuneloop"
    with chromium() as browser:
        # Scripts could run here, if there were any.
        page = browser.new_context(offline=True, viewport={"width": 360, "height": 800}).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert page.title() == title
        assert page.locator("script, img").count() == 0
        assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
        arabic = page.locator(".challenger .said", has_text="العميل").first
        assert arabic.evaluate("text => getComputedStyle(text).direction") == "rtl"
        assert arabic.locator("del").first.evaluate("text => getComputedStyle(text).direction") == "ltr"
        assert page.locator(".challenger .said", has_text="xxx").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_report_shows_only_what_its_anchor_names(page: Page, path: Path) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    examples = page.get_by_role("article")
    every = examples.count()
    worse = page.get_by_role("link", name=re.compile("^the challenger is worse .[0-9]+.$"))
    some = int(worse.inner_text().rpartition("(")[2].rstrip(")"))
    assert 0 < some < every
    worse.click()
    expect(examples).to_have_count(some)
    # The worst is a leak, and it is marked.
    expect(examples.first.locator("mark").first).to_contain_text("@example.com")
    page.get_by_role("link", name=f"all {every}").click()
    expect(examples).to_have_count(every)
    assert complaints == []
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
