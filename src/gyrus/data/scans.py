"""DICOM and NIfTI files among the rows of a data set: a row per image, facts, patients.

Only headers are read here. A file whose header cannot be read keeps its row, so that it is told with all
other images that cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from gyrus.config.options import VolumeOptions
from gyrus.data.files import shown
from gyrus.data.manifest import Row
from gyrus.data.parallel import ordered_map
from gyrus.errors import DataError, ImageError
from gyrus.imaging.file_facts import FileFacts, choose_frames
from gyrus.imaging.frames import frames_of
from gyrus.imaging.kinds import is_scan_name, kind_of_file, may_be_scan
from gyrus.imaging.series import Slice, in_order
from gyrus.imaging.source import Source

DICOM_PATIENT, DICOM_STUDY, ONE_FILE = "dicom", "dicom study", "file"
"""``subject_source`` of patients told by PatientID, by the study where that is absent, by the file itself."""
ASSUMED = (DICOM_STUDY, ONE_FILE)
"""Those that may be one patient more than once."""
_SHOWN = 5


def with_scans(rows: Sequence[Row], root: Path, options: VolumeOptions) -> tuple[list[Row], list[str]]:
    """Give every image of a DICOM or NIfTI file a row of its own, with what the header tells.

    Rows that name a frame, or were scanned before, stay as they are, and so do all other files. DICOM files
    of one series that lie side by side come in the order of their places.

    Parameters
    ----------
    rows : sequence of Row
    root : Path
        Where their paths start.
    options : VolumeOptions
        Which slices of a volume.

    Raises
    ------
    DataError
        When a mask has another shape than its volume.
    UsageError
        When ``slices`` is no choice.
    """
    options.check_slices()
    asked = [row for row in rows if _is_new_scan(row, root)]
    if not asked:
        return list(rows), []
    told = dict(zip((row.image_id for row in asked), _facts(asked, root, options), strict=True))
    known = [(row, facts) for row in asked if isinstance(facts := told[row.image_id], FileFacts)]
    _check_masks(known, root, options)
    found: list[Row] = []
    for row in _in_series_order(rows, told):
        facts = told.get(row.image_id)
        found += _rows_of(row, facts, options) if isinstance(facts, FileFacts) else [row]
    return found, _notes(known, options)


def patients_by_file(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Let the NIfTI volumes that nobody's patient is known of stand for one patient each."""
    lonely = [row for row in rows if not row.subject_id and ":" in row.frame]
    if not lonely:
        return list(rows), []
    volumes = sorted({row.path for row in lonely})
    note = (
        f"Nothing tells the patients of {len(volumes)} NIfTI volumes: each file stands for a patient. Where "
        "a patient has several files, tell them apart: --subject-folder, --subject-pattern or --subjects."
    )
    ids = {row.image_id for row in lonely}
    return [
        row.with_(subject_id=row.path, subject_source=ONE_FILE) if row.image_id in ids else row
        for row in rows
    ], [note]


def _is_new_scan(row: Row, root: Path) -> bool:
    if row.frame or row.sha256 or not (is_scan_name(row.path) or may_be_scan(row.path)):
        return False
    return kind_of_file(root / row.path) in ("dicom", "nifti")


def _facts(rows: Sequence[Row], root: Path, options: VolumeOptions) -> Iterator[FileFacts | None]:
    def read(row: Row) -> FileFacts | None:
        try:
            return frames_of(root / row.path, plane=options.plane)
        except ImageError:  # the scan, which reads every file, will tell
            return None

    return ordered_map(read, rows)


def _rows_of(row: Row, facts: FileFacts, options: VolumeOptions) -> Iterator[Row]:
    subject, source = row.subject_id, row.subject_source
    if not subject and facts.subject:
        subject = facts.subject
        source = DICOM_PATIENT if subject.startswith("p-") else DICOM_STUDY
    columns = {**facts.facts, **{name: value for name, value in row.facts.items() if value}}
    for frame in choose_frames(facts.frames, options.slices):
        yield row.with_(
            image_id=f"{row.image_id}#{frame}" if frame else row.image_id,
            frame=frame,
            plane=row.plane or facts.plane,
            subject_id=subject,
            subject_source=source,
            facts={**row.facts, **columns},
        )


def _in_series_order(rows: Sequence[Row], told: dict[str, FileFacts | None]) -> list[Row]:
    """Order the DICOM files of each folder by series and place, in the places that they have."""
    folders: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        facts = told.get(row.image_id)
        if facts is not None and facts.kind == "dicom":
            folders.setdefault(row.path.rpartition("/")[0], []).append(number)
    ordered = list(rows)
    for numbers in folders.values():
        by_source = {Source(Path(rows[number].image_id)): rows[number] for number in numbers}
        slices = [
            Slice(source, told[row.image_id] or FileFacts("dicom")) for source, row in by_source.items()
        ]
        sorted_slices = [one for series in in_order(slices) for one in series.slices]
        for number, one in zip(numbers, sorted_slices, strict=True):
            ordered[number] = by_source[one.source]
    return ordered


def _check_masks(known: Sequence[tuple[Row, FileFacts]], root: Path, options: VolumeOptions) -> None:
    """Compare the shapes of volumes and their masks, by their headers."""
    wrong = []
    for row, facts in known:
        if not row.mask or not is_scan_name(row.mask):
            continue
        mask = frames_of(root / row.mask, plane=options.plane)
        shapes = [(one.height_px, one.width_px, len(one.frames)) for one in (facts, mask)]
        if shapes[0] != shapes[1]:
            described = [" x ".join(map(str, shape)) for shape in shapes]
            wrong.append(f"{row.mask} is {described[1]}, {row.path} is {described[0]}")
    if wrong:
        raise DataError(
            f"{len(wrong)} masks have another shape than their volumes",
            path=root,
            details=wrong,
            fix="bring the masks into the space of their volumes, or take them out of masks/",
        )


def _notes(known: Sequence[tuple[Row, FileFacts]], options: VolumeOptions) -> list[str]:
    notes = []
    volumes = [(row, facts) for row, facts in known if len(facts.frames) > 1]
    if volumes:
        taken = sum(len(choose_frames(facts.frames, options.slices)) for _, facts in volumes)
        notes.append(
            f"{len(volumes)} files are volumes; {taken} of their {sum(len(f.frames) for _, f in volumes)} "
            f"slices are taken (--slices {options.slices}, of NIfTI --plane {options.plane})."
        )
    dicom = [(row, facts) for row, facts in known if facts.kind == "dicom"]
    if dicom:
        series = {facts.facts.get("series", "") for _, facts in dicom}
        kinds = Counter(facts.facts.get("modality", "unknown") for _, facts in dicom)
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        notes.append(f"{len(dicom)} DICOM files of {len(series)} series ({listed}).")
    notes += _patient_notes(dicom)
    for remark in sorted({remark for _, facts in known for remark in facts.notes}):
        names = [row.image_id for row, facts in known if remark in facts.notes]
        notes.append(f"{len(names)} files: {remark} ({shown(names, _SHOWN)}).")
    burnt = [row.image_id for row, facts in dicom if facts.facts.get("burnt_in") == "yes"]
    if burnt:
        notes.append(
            f"{len(burnt)} DICOM files say that text is burnt into their pixels; it may name the patient, "
            f"and a model may read it: {shown(burnt, _SHOWN)}."
        )
    return notes


def _patient_notes(dicom: Sequence[tuple[Row, FileFacts]]) -> list[str]:
    nameless = [(row, facts) for row, facts in dicom if not row.subject_id and facts.subject[:2] != "p-"]
    by_study = [row.image_id for row, facts in nameless if facts.subject]
    unknown = [row.image_id for row, facts in nameless if not facts.subject]
    notes = []
    if by_study:
        notes.append(
            f"{len(by_study)} DICOM files name no patient (PatientID): their study stands for the patient; "
            f"repeated examinations of one patient cannot be told ({shown(by_study, _SHOWN)})."
        )
    if unknown:
        notes.append(f"{len(unknown)} DICOM files name neither patient nor study: {shown(unknown, _SHOWN)}.")
    return notes
