# SPDX-License-Identifier: Apache-2.0
"""The view of repositories: every control changes what is shown, and what that costs is bounded.

The service is the real one, on this machine, in front of generated histories; the scene is read
back by its counts and by pointing at it.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from tests.support import browser as browsers
from tests.support import histories, timeouts
from tests.support import page as pages
from tests.support.page import part

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SMALL, LARGE = 1_000, 20_000
#: What a frame may take: draw calls of the view of commits, for each 16,384 of them two, and rings.
CALLS = {SMALL: 3, LARGE: 5}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[histories.Shown]:
    """Service with a small history."""
    folder = tmp_path_factory.mktemp("shown")
    with histories.showing(folder, {"small": SMALL}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, shown: histories.Shown, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Browser that trusts the service on this machine."""
    home = browsers.home_that_trusts(tmp_path_factory.mktemp("home"), shown.service.ca_file)
    with browsers.launched(playwright, home) as running:
        yield running


@pytest.fixture
def page(browser: Browser, shown: histories.Shown) -> Iterator[Page]:
    """Fresh page without a session; a test that leaves errors behind fails."""
    witness = pages.Witness()
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(timeouts.BROWSER_S * 1000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_viewport_size({"width": 1280, "height": 900})
    witness.watch(opened, shown.service)
    yield opened
    context.close()
    assert witness.errors == []
    assert witness.foreign == []


def _go(page: Page, shown: histories.Shown, name: str, link: str = "") -> None:
    address = f"#/repositories/{shown.ids[name]}"
    page.evaluate("hash => { location.hash = hash }", f"{address}/{link}" if link else address)
    expect(part(page, "explorer")).to_have_attribute("data-state", "ready")
    expect(part(page, "scene")).to_have_attribute("data-calls", re.compile("[1-9]"))


def _open(page: Page, shown: histories.Shown, name: str) -> Page:
    pages.sign_in(page, shown.service)
    _go(page, shown, name)
    return page


@pytest.fixture
def small(page: Page, shown: histories.Shown) -> Page:
    """Page that shows the small history."""
    return _open(page, shown, "small")


def _count(page: Page) -> int:
    """Return how many commits are shown."""
    return int(part(page, "time").get_attribute("data-shown") or "")


def _expect_count(page: Page, count: int) -> None:
    expect(part(page, "time")).to_have_attribute("data-shown", str(count))


def _figure(page: Page, name: str) -> float:
    return float(part(page, "scene").get_attribute(f"data-{name}") or "nan")


def _centre(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _git(shown: histories.Shown, *words: str) -> str:
    argv = ["git", "-C", str(shown.folder / "small.git"), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def test_what_is_counted_is_what_git_counts(small: Page, shown: histories.Shown) -> None:
    expect(part(small, "explorer")).to_have_attribute("data-commits", str(SMALL))
    assert _count(small) == int(_git(shown, "rev-list", "--all", "--count"))
    part(small, "filters").click()
    part(small, "filter-merges").select_option("only")
    _expect_count(small, shown.answers["small"].merges)
    part(small, "filter-merges").select_option("none")
    _expect_count(small, SMALL - shown.answers["small"].merges)
    part(small, "clear-filters").click()
    _expect_count(small, SMALL)


def test_a_frame_costs_few_calls(small: Page) -> None:
    assert _figure(small, "calls") <= CALLS[SMALL]
    assert _figure(small, "points") == SMALL


def test_a_frame_of_a_large_history_costs_few_calls_more(
    page: Page, shown: histories.Shown
) -> None:
    made = histories.add(shown, "large", LARGE)
    _open(page, made, "large")
    expect(part(page, "explorer")).to_have_attribute("data-commits", str(LARGE))
    assert _figure(page, "calls") <= CALLS[LARGE]
    assert _figure(page, "points") <= LARGE
    # From afar most of them would cover each other.
    for _ in range(12):
        page.keyboard.press("q")
    page.wait_for_function(
        "most => Number(document.querySelector('[data-testid=scene]').dataset.points) < most",
        arg=LARGE / 2,
    )
    assert _figure(page, "points") > 0
    _expect_count(page, LARGE)


def test_pointing_at_a_commit_selects_it(small: Page) -> None:
    part(small, "commit-table").get_by_role("button").nth(20).click()
    panel = part(small, "commit-panel")
    wanted = panel.get_attribute("data-sha")
    part(small, "show-in-scene").click()
    part(small, "close-commit").click()
    expect(panel).to_have_count(0)
    # What was gone to stands in the middle.
    small.mouse.click(*_centre(part(small, "scene-canvas")))
    expect(panel).to_have_attribute("data-sha", wanted or "")


def test_details_are_those_of_git(small: Page, shown: histories.Shown) -> None:
    sha = _git(shown, "rev-list", "--no-merges", "--max-count=1", "--skip=3", "main")
    _go(small, shown, "small", f"commit%3D{sha}")
    subject, author = _git(shown, "show", "-s", "--format=%s%n%an", sha).split("\n")
    expect(part(small, "commit-subject")).to_have_text(subject)
    expect(part(small, "commit-author")).to_contain_text(author)
    files = _git(shown, "show", "--format=", "--name-only", sha).split("\n")
    listed = part(small, "commit-files")
    expect(listed.locator("> li")).to_have_count(len(files))
    listed.get_by_role("button").first.click()
    added = [
        line
        for line in _git(shown, "show", "--format=", sha, "--", files[0]).split("\n")
        if line.startswith("+") and not line.startswith("+++")
    ]
    expect(part(small, "diff").locator(".diff-added")).to_have_count(len(added))


def test_both_ends_of_time_can_be_dragged(small: Page) -> None:
    for end, to in (("until", 0.5), ("from", 0.25)):
        handle = part(small, f"time-{end}")
        before = _count(small)
        box = part(small, "time").locator(".time-svg").bounding_box()
        assert box is not None
        handle_box = handle.locator("rect").bounding_box()
        assert handle_box is not None
        small.mouse.move(handle_box["x"] + 5, handle_box["y"] + 5)
        small.mouse.down()
        small.mouse.move(box["x"] + box["width"] * to, handle_box["y"] + 5, steps=4)
        small.mouse.up()
        assert 0 < _count(small) < before
    # A generated history is even: a quarter of its time is a quarter of its commits.
    assert abs(_count(small) - SMALL / 4) < SMALL / 50


def test_time_plays_and_stops(small: Page) -> None:
    part(small, "speed").select_option("4")
    small.keyboard.press("Escape")
    part(small, "play").click()
    expect(part(small, "time")).not_to_have_attribute("data-shown", str(SMALL))
    first = _count(small)
    small.wait_for_function(
        "first => Number(document.querySelector('[data-testid=time]').dataset.shown) > first + 5",
        arg=first,
    )
    part(small, "play").click()
    held = _count(small)
    small.keyboard.press("ArrowRight")
    assert _count(small) > held


def test_passing_time_uploads_nothing(small: Page) -> None:
    """Time is one uniform: however far it moves, no buffer is written."""
    small.evaluate(
        """() => {
          window.uploads = 0;
          for (const name of ['bufferData', 'bufferSubData', 'texSubImage2D', 'texImage2D']) {
            const own = WebGL2RenderingContext.prototype[name];
            WebGL2RenderingContext.prototype[name] = function (...given) {
              window.uploads += 1;
              return own.apply(this, given);
            };
          }
        }"""
    )
    before = _count(small)
    for _ in range(20):
        small.keyboard.press("ArrowLeft")
    assert _count(small) < before
    assert small.evaluate("() => window.uploads") == 0


@pytest.mark.parametrize("mode", ["heatmap", "branches", "all", "commits"])
def test_views_show_what_they_say(small: Page, mode: str) -> None:
    part(small, f"mode-{mode}").check()
    expect(part(small, "scene")).to_have_attribute("data-mode", mode)
    if mode in {"heatmap", "all"}:
        expect(part(small, "file-table").locator("tbody tr")).not_to_have_count(0)
    points = SMALL if mode in {"commits", "all"} else 0
    expect(part(small, "scene")).to_have_attribute("data-points", re.compile(f"^{points}$"))


def test_going_to_the_city_shows_it(small: Page) -> None:
    """Whoever has moved among the commits is not left looking beside it."""
    for _ in range(3):
        small.keyboard.press("e")
    small.keyboard.press("2")
    expect(part(small, "file-table").locator("tbody tr")).not_to_have_count(0)
    small.mouse.click(*_centre(part(small, "scene-canvas")))
    expect(part(small, "file-panel")).to_be_visible()


def test_a_file_is_found_in_the_city_and_filters_commits(
    small: Page, shown: histories.Shown
) -> None:
    small.keyboard.press("2")
    row = part(small, "file-table").get_by_role("button").first
    path = row.inner_text()
    row.click()
    asked = ("rev-list", "--all", "--no-merges", "--full-history", "--count", "--", path)
    wanted = int(_git(shown, *asked))
    expect(part(small, "file-history").locator("> li")).to_have_count(min(wanted, 200))
    part(small, "filter-by-file").click()
    _expect_count(small, wanted)


def test_search_finds_what_git_finds(small: Page, shown: histories.Shown) -> None:
    part(small, "search-words").fill("Merge")
    small.keyboard.press("Enter")
    _expect_count(small, shown.answers["small"].merges)
    part(small, "search-clear").click()
    _expect_count(small, SMALL)


def test_an_author_of_the_legend_filters(small: Page) -> None:
    entry = part(small, "author-0")
    wanted = int(entry.locator(".figure").inner_text().replace(",", ""))
    entry.click()
    _expect_count(small, wanted)
    expect(part(small, "commit-table").locator("tbody tr")).to_have_count(min(wanted, 50))


def test_a_link_shows_the_same_in_another_browser(
    small: Page, browser: Browser, shown: histories.Shown
) -> None:
    part(small, "author-1").click()
    for _ in range(10):
        small.keyboard.press("ArrowLeft")
    small.keyboard.press("e")
    small.wait_for_function("() => /look/.test(location.hash) && /until/.test(location.hash)")
    part(small, "share").click()
    expect(part(small, "share-result")).to_have_text("Link copied")
    link = small.evaluate("() => navigator.clipboard.readText()")
    other = browser.new_context().new_page()
    pages.sign_in(other, shown.service)
    other.goto(link)
    expect(part(other, "explorer")).to_have_attribute("data-state", "ready")
    _expect_count(other, _count(small))
    assert other.evaluate("() => location.hash") == small.evaluate("() => location.hash")
    other.context.close()


def test_a_commit_is_shown_without_a_reload(small: Page, shown: histories.Shown) -> None:
    expect(part(small, "live")).to_have_attribute("data-live", "on")
    tree = _git(shown, "rev-parse", "main^{tree}")
    words = ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit-tree", tree]
    sha = _git(shown, *words, "-p", "main", "-m", "A commit for an open page")
    before = _git(shown, "rev-parse", "main")
    _git(shown, "update-ref", "refs/heads/main", sha)
    try:
        expect(part(small, "explorer")).to_have_attribute("data-commits", str(SMALL + 1))
        expect(part(small, "commit-table")).to_contain_text("A commit for an open page")
    finally:
        _git(shown, "update-ref", "refs/heads/main", before)
    expect(part(small, "explorer")).to_have_attribute("data-commits", str(SMALL))


def test_a_picture_is_saved(small: Page) -> None:
    with small.expect_download() as download:
        part(small, "picture").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert download.value.suggested_filename == "small-commits.png"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_accessible(small: Page, colours: str) -> None:
    small.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    part(small, "filters").click()
    part(small, "commit-table").get_by_role("button").first.click()
    expect(part(small, "commit-files")).to_be_visible()
    for mode in ("commits", "heatmap"):
        part(small, f"mode-{mode}").check()
        result = Axe().run(small)
        assert [found["id"] for found in result.response["violations"]] == []
