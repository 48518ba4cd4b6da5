"""Chromium, as a person's browser, and all that it complains about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from tests.support.web_stage import TOKEN

NAMES = ("chromium", "chromium-browser", "google-chrome")


def browser_program() -> str:
    """Give the browser of this machine; without one the tests are skipped, except in CI."""
    named = os.environ.get("TUNELOOP_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "there is no Chromium: apt-get install chromium, or set TUNELOOP_TEST_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start it, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_program())
        yield browser
        browser.close()


@dataclass
class Reader:
    """A person with a browser.

    Attributes:
        complaints: What the browser's console and scripts complained about.
        asked: Every address that was asked for.
    """

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._asked_for)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, path: str = "/") -> None:
        """Ask for a page, and give the token that it asks for."""
        self.go(path)
        self.page.get_by_label("Admin token").fill(TOKEN)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.base + path)

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _asked_for(self, request: Request) -> None:
        self.asked.append(request.url)


@contextmanager
def reading(browser: Browser, port: int, **options: Any) -> Iterator[Reader]:  # noqa: ANN401 - Playwright's own
    """Open a browser window that has no cookies yet."""
    context = browser.new_context(**options)
    yield Reader(context.new_page(), f"http://127.0.0.1:{port}")
    context.close()
