"""The history in a browser: searched, filtered, paged; and the switch of colours."""

from __future__ import annotations

import pytest

from gyrus.serving.store import NewCase, NewReview


@pytest.fixture(scope="module")
def many(site, cases):
    """Thirty cases more, copies of an answered one under other digests."""
    store = site.store
    known = store.case(cases["answered"])
    picture = store.blob(known.id, "image-0")
    for number in range(30):
        store.add_case(
            NewCase(
                image_sha256=f"{number:064x}", kind="png", frames=1, outcome="answered", label="glioma",
                probability=0.7, reason="", model_digest=known.model_digest, evidence=known.evidence,
            ),
            {"image-0": picture},
        )  # fmt: skip
    return store


def test_pages_search_and_filters(open_page, many):
    page = open_page("/history?label=glioma")
    assert page.locator(".cases tbody tr").count() == 25
    with page.expect_navigation():
        page.get_by_role("link", name="Earlier").click()
    assert "label=glioma" in page.url
    assert page.locator(".cases tbody tr").count() >= 5
    with page.expect_navigation():
        page.get_by_role("link", name="Later").click()

    page.get_by_role("searchbox").fill(f"{7:064x}")
    with page.expect_navigation():
        page.get_by_role("button", name="Search").click()
    assert page.locator(".cases tbody tr").count() == 1

    page.goto("/history?outcome=refused")
    chips = page.locator(".cases tbody .chip").all_inner_texts()
    assert chips
    assert set(chips) == {"Refused"}

    page.get_by_role("searchbox").fill("no case has this")
    with page.expect_navigation():
        page.get_by_role("button", name="Search").click()
    assert page.locator("h2", has_text="Nothing was found").is_visible()
    with page.expect_navigation():
        page.locator(".empty").get_by_role("link", name="Show all cases").click()
    assert page.locator(".cases tbody tr").count() == 25


def test_a_reviewed_case_is_found_by_its_comment(open_page, many, new_case):
    case = new_case()
    many.add_review(case, NewReview(verdict="unusable", comment="motion artefact"), expected_version=1)
    page = open_page("/history")
    page.get_by_role("searchbox").fill("artefact")
    page.get_by_label("Verdict").select_option("yes")
    with page.expect_navigation():
        page.get_by_role("button", name="Search").click()
    assert page.locator(".cases tbody tr").count() == 1
    assert "Unusable" in page.locator(".cases tbody tr").inner_text()
    with page.expect_navigation():
        page.locator(".cases tbody th a").click()
    assert page.url.endswith(case)


def test_colours_follow_the_system_and_the_switch(open_page):
    page = open_page("/", color_scheme="dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Light").click()
    light = page.evaluate(back)
    assert light != dark
    page.goto("/model")  # the server writes the choice: no flash of the other colours
    assert page.evaluate(back) == light
    assert page.get_by_role("button", name="Light").get_attribute("aria-pressed") == "true"
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="As the system").click()
    assert page.evaluate(back) == dark


def test_colours_are_switched_without_script(open_page):
    page = open_page("/model", java_script_enabled=False)
    with page.expect_navigation():
        page.get_by_role("button", name="Dark").click()
    assert page.url.endswith("/model")
    assert page.locator("html").get_attribute("data-theme") == "dark"
