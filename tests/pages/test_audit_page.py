"""The audit's page: the planted faults are seen on it, and nothing breaks it."""

from __future__ import annotations

import base64
import io
import re
import shlex
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import plausible_run
import pytest
import tyro
from audited import Audited, audited
from page_checks import EVIL, checked, outside, words
from PIL import Image

from gyrus.cli.verbs import VERBS
from gyrus.data import Manifest, Row
from gyrus.imaging.look import look, orientation_name
from gyrus.pages import AuditContext, write_audit_page
from gyrus.pages.audit_page import render_audit
from gyrus.pages.audit_pairs import LISTED, choose_pairs, nearest_slice
from gyrus.pages.audit_verdict import reached
from gyrus.pages.thumbnails import SIDE_PX, Thumbnails


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return audited(tmp_path_factory.mktemp("planted") / "cohort")


@pytest.fixture(scope="module")
def page(planted: Audited) -> str:
    return render_audit(planted.context())


def figures(page: str, words_in_it: str) -> list[str]:
    found = re.findall(r'<figure class="match">.*?</figure>', page, flags=re.DOTALL)
    return [figure for figure in found if words_in_it in figure]


def faces(figure: str) -> list[np.ndarray[Any, Any]]:
    addresses = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', figure)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in addresses]


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Correlation as the two lie, in no other orientation."""
    a, b = (look(np.ascontiguousarray(picture)).astype(float).ravel() for picture in (one, other))
    return float(np.corrcoef(a, b)[0, 1])


def test_it_is_one_balanced_document_without_script(page: str) -> None:
    checker = checked(page)
    assert page.startswith("<!doctype html>")
    assert {"html", "head", "body", "main", "table", "img"} <= checker.names
    assert not {"script", "iframe", "object", "embed", "link", "form"} & checker.names
    assert checker.handlers == []
    assert outside(page) == []
    assert len(checker.ids) == len(set(checker.ids))
    inner = [address[1:] for address in checker.fetched if address.startswith("#")]
    assert {"verdict", "reach", "todo", "pairs", "groups", "data", "how"} <= set(inner) <= set(checker.ids)


def test_the_verdict_comes_first_then_its_reach_then_what_to_do(page: str, planted: Audited) -> None:
    text = words(re.sub(r"<nav.*?</nav>", "", page))
    places = [text.index(part) for part in (
        "The split leaks", planted.audit["sentence"], "are not new to a model", "How far it reaches",
        "What to do", "The same file on both sides", "The same picture on both sides",
        "The same patient on both sides", "What belongs together", "The data", "What cannot be known",
    )]  # fmt: skip
    assert places == sorted(places)


def test_the_reach_counts_every_planted_image_once(planted: Audited) -> None:
    reach = reached(planted.context())
    truth = {row.image_id: row.facts["fault"] for row in planted.manifest if row.facts.get("fault")}
    for image_id, fault in truth.items():
        if fault in ("byte_copy", "pixel_copy"):
            assert reach[image_id] == "identical"
        elif fault in ("mirrored_copy", "rotated_copy"):
            assert reach[image_id] == "look-alike"
    shared = {row.subject_id for row in planted.manifest if row.facts.get("fault") == "shared_subject"}
    both = [row.image_id for row in planted.manifest if row.subject_id in shared and row.split == "test"]
    assert both
    assert set(reach) == {i for i, fault in truth.items() if fault.endswith("_copy")} | set(both)


def test_a_moved_copy_is_also_shown_moved_back(page: str, planted: Audited) -> None:
    moved = [
        row.image_id
        for row in planted.manifest
        if row.facts.get("fault") in ("mirrored_copy", "rotated_copy")
    ]
    assert len(moved) == 6
    for image_id in moved:
        figure, *_ = [f for f in figures(page, "look-alike, correlation") if f">{image_id} (" in f]
        first, second, back = faces(figure)
        assert alike(first, back) > 0.97
        assert alike(first, back) > alike(first, second) + 0.003
        assert any(orientation_name(number) in figure for number in range(1, 8))


def test_identical_images_are_shown_as_two(page: str) -> None:
    shown = figures(page, "identical bytes")
    assert len(shown) == 2
    for figure in shown:
        first, second = faces(figure)
        assert np.array_equal(first, second)


def test_of_a_patient_the_slice_that_looks_most_alike_is_shown() -> None:
    """The audit names the first training image of a patient; the page the nearest."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (6, 64, 64), dtype=np.uint8)
    pictures[3] = np.clip(
        pictures[0, ::-1].astype(int) + 9, 0, 255
    )  # mirrored and brighter, still the nearest
    rows = tuple(
        Row(image_id=f"i{n}", path="x", subject_id="P" if n < 5 else "Q", split="train" if n else "test")
        for n in range(6)
    )
    pictures[5] = pictures[0]  # the very same picture, but of another patient
    related: Any = SimpleNamespace(pictures=pictures, picture_of={f"i{n}": n for n in range(6)})
    context = AuditContext(title="t", audit={}, manifest=Manifest(rows, Path()), related=related)
    pair = plausible_run.pair("i0", "test", "i1", "train", "patient P")
    assert nearest_slice(context, pair) == {**pair, "other_id": "i3"}
    assert nearest_slice(replace(context, related=None), pair) == pair


@pytest.mark.parametrize("order", [1, -1])
def test_an_image_tied_twice_counts_under_the_stronger_tie(order: int) -> None:
    rows = (Row(image_id="a", path="a", split="test"), Row(image_id="b", path="b", split="train"))
    pair = plausible_run.pair("a", "test", "b", "train")
    kinds = ("subject_across_splits", "looks_across_splits", "bytes_across_splits", "never_heard_of")[::order]
    findings = [{"kind": kind, "severity": "leak", "pairs": [pair]} for kind in kinds]
    context = AuditContext(title="t", audit={"findings": findings}, manifest=Manifest(rows, Path()))
    assert reached(context) == {"a": "identical"}


def test_every_command_on_the_page_is_one_that_gyrus_takes(planted: Audited, tmp_path: Path) -> None:
    sound = audited(tmp_path / "sound", None)
    undivided = audited(tmp_path / "undivided", None, split=None)
    nobody = {**sound.audit, "verdict": "unknowable"}
    pages = [
        render_audit(context)
        for context in (
            planted.context(options=["--subject-pattern", r"p(\d+)"]),
            sound.context(source="d"), undivided.context(), sound.context(audit=nobody),
        )
    ]  # fmt: skip
    commands = [
        shlex.split(re.sub(r"<.*?>", "", command).replace("&#x27;", "'").replace("&amp;", "&"))
        for page in pages
        for command in re.findall(r"<li>.*?<pre>(.*?)</pre>", page, flags=re.DOTALL)
    ]
    assert len(commands) >= 9
    assert ["gyrus", "split", "data/brain mri", "--subject-pattern", r"p(\d+)", "--repair", "--out",
            "manifest.csv"] in commands  # fmt: skip
    for program, verb, *arguments in commands:
        assert program == "gyrus"
        kind, _ = VERBS[verb].load()
        tyro.cli(kind, args=arguments, config=(tyro.conf.FlagCreatePairsOff,))


def test_the_other_verdicts_have_their_own_words(planted: Audited, tmp_path: Path) -> None:
    sound = audited(tmp_path / "sound", None)
    assert sound.audit["verdict"] == "clean"
    text = words(render_audit(sound.context()))
    assert "Test and training are apart" in text
    assert "Nothing about the split" in text
    assert "How far it reaches" not in text
    undivided = audited(tmp_path / "undivided", None, split=None)
    assert "A split without a leak can be made" in words(render_audit(undivided.context()))
    rows = [row.with_(subject_id="") for row in sound.manifest]
    unknown = sound.context(
        audit={"verdict": "unknowable", "sentence": "Nobody knows."}, manifest=sound.manifest.with_rows(rows)
    )
    text = words(render_audit(unknown))
    assert "Whether the split leaks cannot be known" in text
    assert "--repair" in text
    nowhere = unknown.manifest.with_rows(row.with_(split="") for row in rows)
    undecided = words(render_audit(replace(unknown, manifest=nowhere)))
    assert "Whether a split would leak cannot be known" in undecided
    assert "--repair" not in undecided
    assert "name them: a table" in text
    assert f"{len(rows)} of {len(rows)} images have no patient" in text


def test_markup_in_names_stays_text(tmp_path: Path) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    rows = tuple(
        Row(image_id=f"{EVIL}{n}", path="a.png", label=EVIL, subject_id=EVIL, split="test" if n else "train",
            copy_group="g", recovered_subject=EVIL, facts={"recovered_from": EVIL})
        for n in range(4)
    )  # fmt: skip
    pair = plausible_run.pair(f"{EVIL}1", "test", f"{EVIL}0", "train", EVIL)
    counts = {"fact": EVIL, "by_class": {EVIL: {"value": 0.9, "low": 0.8, "high": 1.0, "limit": 0.6}},
              "table": {"values": [EVIL], "shares": {EVIL: [1.0]}}, "by_patient": {EVIL: 3}}  # fmt: skip
    findings = [
        {"kind": EVIL, "severity": EVIL, "message": EVIL, "pairs": [pair], "rows": []},
        {"kind": "bytes_across_splits", "severity": "leak", "message": EVIL, "pairs": [pair], "rows": []},
        {"kind": "recovered_subjects", "severity": "info", "message": EVIL, "rows": [EVIL], "counts": counts},
        {"kind": "shortcut", "severity": "warning", "message": EVIL, "counts": counts},
    ]
    group = {"images": 4, "subjects": [EVIL], "splits": {EVIL: 4}, "examples": [f"{EVIL}0", EVIL]}
    context = AuditContext(
        title=EVIL, manifest=Manifest(rows, tmp_path), source=EVIL, options=[EVIL],
        audit={"verdict": "leaking", "sentence": EVIL, "findings": findings, "largest_groups": [group],
               "notes": [EVIL], "skipped": [{"path": EVIL, "reason": EVIL}], "fingerprint": EVIL,
               "look_alikes": {"threshold": 0.97, "reason": EVIL}},
        environment={"command": [EVIL], "packages": {"gyrus": EVIL}, "time_utc": EVIL},
    )  # fmt: skip
    checker = checked(render_audit(context))
    assert "script" not in checker.names
    assert checker.handlers == []
    assert "<script>alert" in "".join(checker.text)


def test_a_kind_that_is_not_known_here_has_its_section(planted: Audited) -> None:
    pair = plausible_run.pair("a.png", "test", "b.png", "train", "because")
    findings = [{"kind": "seen_on_the_moon", "severity": "leak", "message": "Odd.", "pairs": [pair]},
                {"kind": "hum", "severity": "info", "message": "Hm.", "rows": ["a.png"]}]  # fmt: skip
    text = words(render_audit(planted.context(audit={**planted.audit, "findings": findings})))
    assert "Seen on the moon" in text
    assert "because" in text
    assert "Hm." in text


def test_files_that_are_gone_are_still_named(planted: Audited, tmp_path: Path) -> None:
    gone = replace(planted.manifest, root=tmp_path / "nowhere")
    page = render_audit(planted.context(manifest=gone))
    assert "<img" not in page
    assert "no picture" in page
    assert figures(page, "identical bytes")


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of noise, the largest thumbnails there are."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for number in range(4):
        pixels = random.integers(0, 256, (200, 200, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_three_thousand_images_and_their_copies_stay_under_five_megabytes(noise: Path) -> None:
    splits = ("train", "test")
    name = "Übergröße/" + "x" * 200
    rows = tuple(
        Row(image_id=f"{name}{n}.png", path=f"{n % 4}.png", label=f"class {n % 4}", split=splits[n % 2],
            subject_id=f"P{n // 9}", copy_group=f"g{n // 300}", width_px=200, height_px=200)
        for n in range(3000)
    )  # fmt: skip
    pairs = [
        plausible_run.pair(rows[n].image_id, "test", rows[n - 1].image_id, "train") for n in range(1, 3000, 2)
    ]
    kinds = (
        "bytes_across_splits",
        "pixels_across_splits",
        "looks_across_splits",
        "subject_across_splits",
        "linked_across_splits",
        "copies_with_different_labels",
        "look_alikes_with_different_labels",
        "copies_with_different_patients",
        "copies_within_split",
        "look_alikes_within_split",
        "new",
        "newer",
    )
    findings = [
        {"kind": kind, "severity": "leak" if n < 5 else "warning", "message": "m", "pairs": pairs}
        for n, kind in enumerate(kinds)
    ]
    every = [row.image_id for row in rows]
    findings += [{"kind": f"k{n}", "severity": "info", "message": "m", "rows": every[:-1]} for n in range(6)]
    groups = [{"images": 300, "subjects": every[:12], "splits": {"train": 300}, "examples": every[:12]}] * 5
    audit = {"verdict": "leaking", "sentence": "s", "findings": findings, "largest_groups": groups,
             "skipped": [{"path": name, "reason": name}] * 5000}  # fmt: skip
    began = time.process_time()
    page = render_audit(AuditContext(title="many", audit=audit, manifest=Manifest(rows, noise), color="rgb"))
    assert len(page.encode()) < 5_000_000
    assert time.process_time() - began < 10
    assert "more in audit.json" in page


def test_251_pairs_are_all_on_the_page(tmp_path: Path) -> None:
    Image.new("L", (20, 30), 90).save(tmp_path / "a.png")
    rows = tuple(
        Row(image_id=f"i{n}", path="a.png", label="c", split="test" if n < 251 else "train")
        for n in range(502)
    )
    pairs = [plausible_run.pair(f"i{n}", "test", f"i{n + 251}", "train") for n in range(251)]
    finding = {"kind": "pixels_across_splits", "severity": "leak", "message": "m", "pairs": pairs}
    page = render_audit(
        AuditContext(
            title="t", audit={"verdict": "leaking", "findings": [finding]}, manifest=Manifest(rows, tmp_path)
        )
    )
    assert LISTED > 251
    for pair in pairs:
        assert re.search(rf"\b{pair['image_id']}\b", page)
    assert "251 of 251 test images" in words(page)


def test_chosen_pairs_spread_over_classes_and_partners(planted: Audited) -> None:
    rows = tuple(Row(image_id=f"{c}{n}", path="x", label=c, split="test") for c in "abc" for n in range(20))
    context = planted.context(manifest=Manifest(rows, Path()))
    pairs = [
        plausible_run.pair(row.image_id, "test", f"t{number // 5}", "train")
        for number, row in enumerate(rows)
    ]
    chosen = choose_pairs(context, pairs, 9)
    assert sorted(pair["image_id"][0] for pair in chosen) == list("aaabbbccc")
    assert len({pair["other_id"] for pair in chosen}) == 9


def test_thumbnails_are_small_and_moved_as_asked(tmp_path: Path) -> None:
    pixels = np.zeros((300, 200, 3), np.uint8)
    pixels[:100, :60] = (250, 30, 30)  # a corner: top left, red
    Image.fromarray(pixels).save(tmp_path / "a.png")
    thumbnails = Thumbnails(Manifest((Row(image_id="a", path="a.png"),), tmp_path), "rgb", 10_000)
    small = thumbnails.pixels("a")
    assert small is not None
    assert small.shape == (SIDE_PX, 107, 3)
    corners = {0: (0, 0), 1: (0, -1), 2: (-1, 0), 3: (-1, -1), 4: (0, 0), 5: (0, -1), 6: (-1, 0), 7: (-1, -1)}
    for orientation, (y, x) in corners.items():
        address = thumbnails.address("a", orientation)
        assert address is not None
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))
        assert shown.shape[:2] == ((SIDE_PX, 107) if orientation < 4 else (107, SIDE_PX))
        assert shown[y, x, 0] > 200
        assert shown[y, x, 1] < 90
    thumbnails.left_bytes = 0
    assert thumbnails.address("a") is None
    assert thumbnails.address("nobody") is None


def test_shortcuts_are_drawn_by_class(planted: Audited) -> None:
    by_class = {"glioma": {"value": 0.95, "low": 0.9, "high": 0.98, "limit": 0.6},
                "no_tumor": {"value": 0.4, "low": None, "high": None, "limit": None}}  # fmt: skip
    counts = {
        "fact": "size",
        "by_class": by_class,
        "table": {
            "values": ["512 x 512", "other"],
            "shares": {"glioma": [1.0, 0.0], "no_tumor": [0.01, 0.99]},
        },
    }
    finding = {"kind": "shortcut", "severity": "warning", "message": "Sizes tell.", "counts": counts}
    page = render_audit(planted.context(audit={**planted.audit, "findings": [finding]}))
    assert 'style="left:90.00%"' in page  # 0.95 on an axis from 0.5 to 1
    assert "glioma: AUC 0.950, interval 0.900 to 0.980, by chance 0.600" in page
    assert "left:0.00%" in page  # below chance stands at chance
    text = words(page)
    assert "Image size" in text
    assert "512 x 512 100 % 1 %" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_same_audit_gives_the_same_bytes(page: str, planted: Audited) -> None:
    assert render_audit(planted.context()) == page


def test_the_file_is_written_whole(planted: Audited, tmp_path: Path) -> None:
    write_audit_page(planted.context(), tmp_path / "new" / "audit.html")
    assert (tmp_path / "new" / "audit.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_an_image_that_leaks_in_two_ways_is_shown_once_and_its_wrong_label_again(planted: Audited) -> None:
    rows = [row.image_id for row in planted.manifest][:4]
    pairs = [plausible_run.pair(rows[0], "test", rows[1], "train", f"why {n}") for n in range(2)]
    other = plausible_run.pair(rows[2], "test", rows[3], "train", "why 9")
    findings = [
        {"kind": "bytes_across_splits", "severity": "leak", "message": "", "pairs": pairs[:1]},
        {"kind": "pixels_across_splits", "severity": "leak", "message": "", "pairs": [pairs[1], other]},
        {"kind": "copies_with_different_labels", "severity": "warning", "message": "", "pairs": pairs[:1]},
    ]
    page = render_audit(planted.context(audit={**planted.audit, "findings": findings}))
    assert [len(figures(page, f"<strong>why {n}")) for n in (0, 1, 9)] == [2, 0, 1]
    assert "why 1" in words(page)  # by name
