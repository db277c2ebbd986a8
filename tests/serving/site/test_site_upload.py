"""Uploads in a browser: with script and without, one and several, refused and broken."""

from __future__ import annotations

import json
import re

_CASE = re.compile(r"/cases/[0-9a-f]{32}$")
_DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: "image/png" }));
  const zone = document.getElementById("zone");
  zone.dispatchEvent(new DragEvent("dragover", { dataTransfer: held, bubbles: true, cancelable: true }));
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
}"""


def test_one_file_leads_to_its_case(open_page, files):
    page = open_page("/")
    page.set_input_files("#image", files / "slice.png")
    page.get_by_role("button", name="Ask the model").click()
    page.wait_for_url(_CASE)
    assert page.locator("#said").inner_text()
    assert page.locator(".shares li").count() == 3
    assert "Research tool, not a medical device." in page.locator("body").inner_text()
    shown = page.locator(".layers img").evaluate_all(
        "images => images.map(i => [i.complete, i.naturalWidth])"
    )
    assert [width > 0 for _, width in shown] == [True, True]


def test_a_dropped_file_is_taken(open_page, files):
    import base64

    page = open_page("/")
    text = base64.b64encode((files / "slice.png").read_bytes()).decode()
    page.evaluate(_DROP, ["<b>dropped</b>.png", text])
    assert page.locator(".queue li .of").inner_text().startswith("<b>dropped</b>.png")
    page.get_by_role("button", name="Leave out").click()
    assert page.locator(".queue li").count() == 0
    page.evaluate(_DROP, ["slice.png", text])
    page.keyboard.press("Enter")  # the button that sends has the focus
    page.wait_for_url(_CASE)


def test_several_files_one_of_them_broken(open_page, files):
    page = open_page("/")
    page.set_input_files("#image", [files / name for name in ("slice.png", "broken.png", "other.png")])
    page.get_by_role("button", name="Ask about 3 files").click()
    page.locator(".queue a").nth(1).wait_for()
    page.locator(".queue .chip.failed").wait_for()
    assert "damaged" in page.locator(".queue .why").inner_text()
    page.locator("#told", has_text="2 answered, 1 failed.").wait_for()
    page.locator(".queue a").first.click()
    page.wait_for_url(_CASE)


def test_progress_is_told_while_a_file_goes_out(open_page, files):
    page = open_page("/")
    page.route("**/uimg", lambda route: None)  # never answered
    page.set_input_files("#image", files / "slice.png")
    page.get_by_role("button", name="Ask the model").click()
    bar = page.get_by_role("progressbar", name="Sending slice.png")
    bar.wait_for()
    assert page.get_by_role("button", name="Ask the model").is_disabled()


def test_what_fails_for_now_is_sent_again(open_page, files):
    page = open_page("/")
    page.route(
        "**/uimg", lambda route: route.fulfill(status=503, json={"detail": "Too much is waiting."}), times=1
    )
    page.set_input_files("#image", files / "slice.png")
    page.get_by_role("button", name="Ask the model").click()
    page.locator(".queue .why", has_text="Too much is waiting.").wait_for()
    page.get_by_role("button", name="Ask the model").click()
    page.wait_for_url(_CASE)


def test_a_file_that_is_too_large_is_not_sent(open_page, files):
    page = open_page("/about")

    def smaller(route):
        there = route.fetch()
        route.fulfill(
            response=there, body=there.text().replace('data-most-bytes="', 'data-most-bytes="1" data-was="')
        )

    page.route("**/", smaller)
    page.goto("/")
    page.set_input_files("#image", files / "slice.png")
    assert "at most 1 bytes are taken" in page.locator(".queue .why").inner_text()
    assert not page.get_by_role("button", name="Ask the model").is_visible()
    assert page.get_by_role("button", name="Start over").is_visible()


def test_without_script_the_form_does_the_same(open_page, files):
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#image", files / "slice.png")
    with page.expect_navigation():
        page.get_by_role("button", name="Ask the model").click()
    assert page.url.endswith("/uimg")
    assert page.locator("#said").inner_text()
    heat = page.locator(".layers .heat")
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0.6"
    page.get_by_label("Image alone").check()
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0"
    page.get_by_label("Heat map, strong").check()
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "1"
    assert not page.locator("#opacity").is_visible()


def test_without_script_several_files_come_on_one_page(open_page, files):
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#image", [files / "slice.png", files / "broken.png"])
    with page.expect_navigation():
        page.get_by_role("button", name="Ask the model").click()
    assert page.locator("h1").inner_text() == "2 files asked"
    assert page.locator(".result a").count() == 1
    assert "damaged" in page.locator(".result").nth(1).inner_text()


def test_without_script_a_broken_file_leads_back_to_the_form(open_page, files):
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#image", files / "broken.png")
    with page.expect_navigation(), page.expect_response("**/uimg") as answer:
        page.get_by_role("button", name="Ask the model").click()
    assert answer.value.status == 415
    assert "damaged" in page.get_by_role("alert").inner_text()
    assert page.locator("#image").count() == 1


def test_sending_a_form_again_makes_no_second_case(open_page, files, site):
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#image", files / "slice.png")
    with page.expect_navigation():
        page.get_by_role("button", name="Ask the model").click()
    first = page.locator(".crumb + h1").inner_text()
    page.reload()
    assert page.locator(".crumb + h1").inner_text() == first


def test_a_refusal_says_why_and_gives_no_probabilities(open_page):
    page = open_page("/")
    with page.expect_navigation(), page.expect_response("**/example/page") as answer:
        page.get_by_role("button", name="No slice at all").click()
    assert answer.value.status == 422
    assert page.locator("#said").inner_text() == "Refused: there is no answer"
    assert "not a brain MRI" in page.locator(".reason").inner_text()
    assert page.locator(".shares").count() == 0
    assert page.locator(".layers .heat").count() == 0
    assert page.locator(".steps .failed").count() == 1


def test_a_reload_of_an_answer_sends_nothing_again(open_page):
    page = open_page("/")
    page.get_by_role("button", name="A drawn slice").first.click()
    page.wait_for_url(_CASE)


def test_downloads_hold_the_evidence(open_page, cases):
    page = open_page(f"/cases/{cases['answered']}")
    found = {}
    for kind in ("JSON", "HTML", "PNG"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind, exact=True).click()
        found[kind] = download.value.path().read_bytes()
        assert download.value.suggested_filename == f"gyrus-{cases['answered'][:8]}.{kind.lower()}"
    assert json.loads(found["JSON"])["predictions"][0]["prediction"] in ("glioma", "meningioma", "pituitary")
    assert b"not a medical device" in found["HTML"]
    assert found["PNG"].startswith(b"\x89PNG")
