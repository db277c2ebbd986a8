"""Keeps and deletes cases as fast as it can, in four threads; says so only afterwards. Meant to be killed."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kept_cases import BLOBS, new_case

from gyrus.serving.store import NewReview, Store


def write_for_ever(store: Store) -> None:
    while True:
        kept = [store.add_case(new_case(), BLOBS).id for _ in range(2)]
        store.add_review(kept[0], NewReview(verdict="agree"))
        say(f"kept {kept[0]}")
        store.delete_case(kept[1])
        say(f"deleted {kept[1]}")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one call a line: a killed process leaves no half of it in a buffer


if __name__ == "__main__":
    opened = Store.open(sys.argv[1], Path(sys.argv[2]))
    say("open")
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(write_for_ever, opened)
