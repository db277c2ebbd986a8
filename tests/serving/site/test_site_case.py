"""A case in a browser: heat map, slices of a scan, verdicts, its end; with the keyboard alone."""

from __future__ import annotations


def test_the_slider_sets_the_opacity_of_the_heat_map(open_page, cases):
    page = open_page(f"/cases/{cases['answered']}")
    heat = page.locator(".layers .heat")
    assert heat.evaluate("image => image.style.opacity") == "0.6"
    page.locator("#opacity").focus()
    page.keyboard.press("Home")
    assert heat.evaluate("image => image.style.opacity") == "0"
    assert page.locator("#opacity-at").inner_text() == "0 %"
    page.reload()  # kept for the session
    assert page.locator(".layers .heat").evaluate("image => image.style.opacity") == "0"


def test_slices_are_turned_without_losing_what_was_written(open_page, cases):
    page = open_page(f"/cases/{cases['scan']}")
    assert page.locator(".slices label").inner_text() == "Slice 4 of 6"
    page.locator("#comment").fill("half written")
    before = page.locator(".under").get_attribute("src")
    page.locator("#slice").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**?slice=5")
    page.locator(".under[src*='image-4']").wait_for()
    assert page.locator(".under").get_attribute("src") != before
    assert page.locator("#comment").input_value() == "half written"
    assert page.evaluate("document.activeElement.id") == "slice"
    assert "slice 5 of 6" in page.locator("#slice").get_attribute("aria-valuetext")
    page.get_by_role("link", name="Slice before").click()
    page.wait_for_url("**?slice=4")
    assert page.locator("#said-whole").inner_text()


def test_slices_are_turned_without_script(open_page, cases):
    page = open_page(f"/cases/{cases['scan']}?slice=6", java_script_enabled=False)
    assert page.get_by_role("link", name="Slice after").get_attribute("href") is None
    with page.expect_navigation():
        page.get_by_role("link", name="Slice before").click()
    assert page.locator(".slices label").inner_text() == "Slice 5 of 6"
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    assert page.url.endswith("?slice=5")


def test_a_verdict_stands_in_the_trail(open_page, new_case):
    case = new_case()
    page = open_page(f"/cases/{case}")
    page.get_by_label("Another class").check()
    page.get_by_label("Which class").select_option("glioma")
    page.get_by_label("Comment").fill("<script>alert(1)</script>\nsecond line")
    page.get_by_label("Who are you").fill("Dr. O'Neil")
    page.get_by_role("button", name="Save the verdict").click()
    page.wait_for_url("**?told=saved")
    entry = page.locator(".trail li")
    assert "Another class: glioma" in entry.inner_text()
    assert "Dr. O'Neil" in entry.inner_text()
    assert entry.locator(".comment").inner_text() == "<script>alert(1)</script>\nsecond line"
    page.get_by_text("Give another verdict").click()
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Save the verdict").click()
    page.locator(".trail li").nth(1).wait_for()
    assert "Agreed" in page.locator(".trail li").first.inner_text()


def test_who_was_overtaken_is_told_and_loses_nothing(open_page, new_case):
    case = new_case()
    slow, fast = open_page(f"/cases/{case}"), open_page(f"/cases/{case}")
    slow.get_by_label("Unusable").check()
    slow.get_by_label("Comment").fill("my thoughts")
    fast.get_by_label("I agree").check()
    fast.get_by_role("button", name="Save the verdict").click()
    fast.wait_for_url("**?told=saved")
    with slow.expect_navigation():
        slow.get_by_role("button", name="Save the verdict").click()
    told = slow.locator(".review [role=alert]")
    told.wait_for()
    assert "somebody gave a verdict" in told.inner_text()
    assert slow.get_by_label("Comment").input_value() == "my thoughts"
    assert slow.locator(".trail li").count() == 1
    slow.get_by_role("button", name="Save the verdict").click()
    slow.wait_for_url("**?told=saved")
    assert slow.locator(".trail li").count() == 2


def test_another_class_without_its_name_is_not_saved(open_page, new_case):
    page = open_page(f"/cases/{new_case()}")
    page.get_by_label("Another class").check()
    page.get_by_role("button", name="Save the verdict").click()
    told = page.locator(".review [role=alert]")
    told.wait_for()
    assert "choose which class it is" in told.inner_text()


def test_deleting_asks_first_and_is_final(open_page, new_case, site):
    case = new_case()
    page = open_page(f"/cases/{case}", java_script_enabled=False)
    page.get_by_text("Delete this case…").click()
    page.get_by_label("Yes, delete case").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Delete for good").click()
    assert page.get_by_role("status").inner_text().startswith("The case is deleted")
    assert page.locator(f"a[href*='{case}']").count() == 0
    assert page.goto(f"/cases/{case}").status == 404
    assert page.locator("h1").inner_text() == "There is nothing here"


def test_with_the_keyboard_alone(open_page):
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    def tab_to(condition: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"(one => {condition})(document.activeElement)"):
                return
        raise AssertionError(f"never reached: {condition}")

    tab_to("one.textContent.includes('A drawn slice')")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#said")
    page.wait_for_load_state()  # and its script runs
    tab_to("one.id === 'opacity'")
    page.keyboard.press("End")
    assert page.locator("#opacity-at").inner_text() == "100 %"
    tab_to("one.name === 'verdict'")
    page.keyboard.press("Space")
    tab_to("one.id === 'reviewer'")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    page.wait_for_url("**?told=saved")
    assert "Ada" in page.locator(".trail").inner_text()
