import csv
import io
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from kept_cases import BLOBS, PICTURE, new_case

from gyrus.data.manifest import read_manifest
from gyrus.imaging import decode
from gyrus.serving.store import NewReview
from gyrus.serving.store.export import csv_lines, harmless, zip_parts

ATTACKS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")', "\t=1+1", "\r=1",
    "\n=1", "  =1+1", "＝1+1", '"=1+1', 'a","=1+1', "a\n=1+1",
)  # fmt: skip


def exported(store):
    return "".join(csv_lines(store.export_rows()))


def test_reviewed_cases_are_a_manifest_to_train_from(store, tmp_path):
    kept = [store.add_case(new_case(), BLOBS) for _ in range(5)]
    unsure = store.add_case(new_case(label=None, outcome="referred", reason="close"), BLOBS)
    bare = store.add_case(new_case(), {"heat": b"x"})
    store.add_review(kept[0].id, NewReview(verdict="agree", reviewer="ab"))
    store.add_review(kept[1].id, NewReview(verdict="agree"))
    store.add_review(
        kept[1].id, NewReview(verdict="other", label="pituitary", comment='two\nlines, "quoted"')
    )
    store.add_review(kept[2].id, NewReview(verdict="unusable"))
    store.add_review(unsure.id, NewReview(verdict="agree"))
    store.add_review(bare.id, NewReview(verdict="agree"))
    path = tmp_path / "blobs" / "manifest.csv"
    path.write_text(exported(store), "utf-8")
    manifest = read_manifest(path)
    assert [(row.image_id, row.label, row.subject_id) for row in manifest] == [
        (kept[0].id, "glioma", ""),
        (kept[1].id, "pituitary", ""),
    ]
    assert manifest.task == "classify"
    row = manifest.rows[1]
    assert (row.notes, row.sha256) == ('two\nlines, "quoted"', kept[1].image_sha256)
    assert row.facts["model_label"] == "glioma"
    assert row.facts["verdict"] == "other"
    assert manifest.source_of(row).read() == PICTURE
    assert decode(manifest.source_of(row).read(), name="0.png").pixels.shape[:2] == (8, 8)


def test_many_cases_come_in_portions_each_once(sqlite_store, monkeypatch):
    monkeypatch.setattr("gyrus.serving.store.store._EXPORTED_AT_ONCE", 3)
    kept = [sqlite_store.add_case(new_case(), BLOBS).id for _ in range(7)]
    for case_id in kept:
        sqlite_store.add_review(case_id, NewReview(verdict="agree"))
    assert [row.case_id for row in sqlite_store.export_rows()] == kept
    rows = sqlite_store.export_rows()
    next(rows)
    sqlite_store.delete_case(kept[5])  # whoever exports holds nobody up, and gets what is there
    assert len(list(rows)) == 5


def test_an_image_deleted_meanwhile_is_left_out_of_the_archive(sqlite_store):
    kept = [sqlite_store.add_case(new_case(), BLOBS).id for _ in range(3)]
    for case_id in kept:
        sqlite_store.add_review(case_id, NewReview(verdict="agree"))
    parts = zip_parts(sqlite_store.export_rows(), sqlite_store.blob)
    first = next(parts)
    sqlite_store.delete_case(kept[1])
    with zipfile.ZipFile(io.BytesIO(b"".join([first, *parts]))) as archive:
        assert archive.namelist() == [f"images/{kept[0]}.png", f"images/{kept[2]}.png", "manifest.csv"]
        assert kept[1] not in archive.read("manifest.csv").decode()
        assert archive.read(f"images/{kept[2]}.png") == PICTURE


def test_an_empty_export_has_its_header(sqlite_store):
    assert exported(sqlite_store).startswith('"image_id","path","label"')
    assert exported(sqlite_store).count("\n") == 1


def test_no_cell_begins_a_formula(sqlite_store):
    for attack in ATTACKS:
        check_attack(sqlite_store, attack)


def check_attack(store, attack):
    kept = store.add_case(new_case(), BLOBS)
    review = NewReview(verdict="agree", comment=attack, reviewer=attack.strip("\n\r\t").replace("\n", ""))
    store.add_review(kept.id, review)
    *_, row = csv.DictReader(io.StringIO(exported(store), newline=""))
    for cell in row.values():
        assert cell.lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "＝"}
    assert row["notes"].endswith(attack)
    assert row["label"] == "glioma"


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n '\"a,;＝"), max_size=6))
def test_a_harmless_cell_is_left_alone_and_none_is_dangerous(text):
    cell = harmless(text)
    assert cell in (text, f"'{text}")
    assert not cell.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_no_path_of_this_machine_is_told(sqlite_store, tmp_path):
    kept = sqlite_store.add_case(new_case(), BLOBS)
    sqlite_store.add_review(kept.id, NewReview(verdict="agree"))
    (row,) = sqlite_store.export_rows()
    path = row.cells["path"]
    assert path == f"{kept.id[:2]}/{kept.id}/0.png"
    assert not Path(path).is_absolute()
