"""A folder for another tool: images linked or copied into it, there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from gyrus.data.building import Building
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError, StorageError, UsageError

_UNSAFE = frozenset('/\\:*?"<>|')


def check_export_target(target: Path) -> None:
    """Raise UsageError when the folder to export to holds something already."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(
            "exists already and is not empty", path=target, fix="name another: --export-to FOLDER"
        )


class ExportFolder:
    """What the writers share: names for the images, and placing them."""

    def __init__(self, manifest: Manifest, target: Path, *, copy: bool) -> None:
        self.manifest, self.target, self.copy = manifest, target, copy
        images_in = Counter(row.path for row in manifest if row.frame)
        shared = [path for path, count in images_in.items() if count > 1]
        if shared:
            raise DataError(
                f"{sum(images_in[path] for path in shared)} images lie in {len(shared)} files of many; "
                "they can be neither linked nor copied one by one",
                details=shared,
                fix="leave out --export: the manifest that gyrus split writes tells file and frame",
            )

    def building(self) -> Building:
        return Building(self.target)

    def place(self, row: Row, folder: Path, name: str) -> None:
        """Put an image at ``folder/name``: a link that holds from the final place, or a copy."""
        source, here = self.manifest.file_of(row).resolve(), folder / name
        here.parent.mkdir(parents=True, exist_ok=True)
        if self.copy:
            shutil.copyfile(source, here)
            return
        final = (self.target / name).parent
        try:
            here.symlink_to(relative_path(source, final))
        except (OSError, NotImplementedError) as error:
            raise StorageError(
                f"links cannot be made here: {error}", path=self.target, fix="copy the images: --copy"
            ) from error

    def names(self, folder_of: Callable[[Row], str]) -> dict[str, str]:
        """Return a path for each image below its folder: its own file name, made unique where needed."""
        plain = {row.image_id: PurePosixPath(row.path).name for row in self.manifest}
        taken: Counter[tuple[str, str]] = Counter(
            (folder_of(row), _stem(plain[row.image_id])) for row in self.manifest
        )
        named = {}
        for row in self.manifest:
            name, folder = plain[row.image_id], folder_of(row)
            if taken[folder, _stem(name)] > 1:
                digest = hashlib.sha256(row.image_id.encode()).hexdigest()[:12]
                path = PurePosixPath(name)
                name = f"{_cut(path.stem)}-{digest}{path.suffix}"
            named[row.image_id] = f"{folder}/{name}"
        return named

    def class_folder(self, row: Row) -> str:
        """Return ``SPLIT/CLASS``."""
        name = row.label
        if not name.strip() or name.strip(".") == "" or not _UNSAFE.isdisjoint(name):
            raise DataError(
                f"class {name!r} can be no folder name", path=self.manifest.root,
                fix="join it into another name: --join-classes NAME=VARIANT, or export csv",
            )  # fmt: skip
        return f"{row.split}/{name}"

    def path_in_table(self, row: Row, folder: Path, copies: Mapping[str, str]) -> str:
        """Return the path of an image relative to the final folder; of its copy, where one is made."""
        if self.copy:
            self.place(row, folder, copies[row.image_id])
            return copies[row.image_id]
        return relative_path(self.manifest.file_of(row).resolve(), self.target).as_posix()


def _stem(name: str) -> str:
    """Return what must be unique: names without ending, for labels; without case, for some file systems."""
    return PurePosixPath(name).stem.casefold()


def _cut(stem: str) -> str:
    """Return a stem that leaves room for a suffix within the 255 bytes of a file name."""
    data = stem.encode()[:200]
    while True:
        with suppress(UnicodeDecodeError):
            return data.decode()
        data = data[:-1]


def relative_path(path: Path, folder: Path) -> Path:
    try:
        return Path(os.path.relpath(path, folder.resolve()))
    except ValueError:  # another drive on Windows: no relative path exists
        return path
