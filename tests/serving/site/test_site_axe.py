"""No page has a serious fault of accessibility, light and dark, wide and narrow (axe-core)."""

from __future__ import annotations

import json

import pytest

_PAGES = {
    "ask": "/",
    "answered": "/cases/{answered}",
    "referred": "/cases/{referred}",
    "refused": "/cases/{refused}",
    "scan": "/cases/{scan}?slice=2",
    "deleting": "/cases/{answered}?told=unsure",
    "history": "/history",
    "nothing found": "/history?text=zzzzzz",
    "model": "/model",
    "limits": "/about",
    "no such page": "/nothing",
}
_ALWAYS = ("ask", "answered", "refused", "scan", "history", "model", "limits")
_GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.base").AXE_FILE_PATH.read_text(encoding="utf-8")


def grave(page, axe, options):
    if not page.evaluate("typeof window.axe !== 'undefined'"):
        page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    assert found["violations"] or found["passes"]  # it has looked
    return [
        f"{one['id']}: {one['help']}: {node['target']}"
        for one in found["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("name", _ALWAYS)
def test_no_grave_fault(open_page, cases, axe, name):
    page = open_page(_PAGES[name].format(**cases), color_scheme="light")
    assert grave(page, axe, {}) == []
    page.emulate_media(color_scheme="dark")
    assert grave(page, axe, {"runOnly": ["color-contrast"]}) == []


@pytest.mark.soak
@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", _PAGES)
def test_no_grave_fault_at_other_widths(open_page, cases, axe, name, scheme, width):
    page = open_page(_PAGES[name].format(**cases), color_scheme=scheme, width=width)
    assert grave(page, axe, {}) == []


def test_axe_would_tell(open_page, axe):
    page = open_page("/")
    page.evaluate("document.querySelector('#text, #image').labels[0].remove()")
    page.evaluate("document.querySelector('h1').style.color = '#d0d6dc'")
    told = grave(page, axe, {})
    assert any(line.startswith("label:") for line in told)
    assert any(line.startswith("color-contrast:") for line in told)


@pytest.mark.parametrize("width", [390, 1920])
def test_nothing_is_wider_than_the_screen(open_page, cases, width):
    page = open_page("/", width=width)
    for name, path in _PAGES.items():
        page.goto(path.format(**cases))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
