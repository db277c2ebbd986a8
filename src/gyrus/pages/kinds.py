"""What each kind of finding is called on a page, and what it means in a sentence."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """Words for one kind of finding."""

    title: str
    meaning: str


KINDS = {
    "bytes_across_splits": Kind(
        "The same file on both sides",
        "These files are equal byte for byte: a network that has seen the one has seen the other.",
    ),
    "pixels_across_splits": Kind(
        "The same pixels on both sides",
        "Saved anew, perhaps in another format, but after decoding every pixel is the same.",
    ),
    "looks_across_splits": Kind(
        "The same picture on both sides",
        "Re-encoded, resized, recoloured, mirrored or turned. The bytes differ, the picture does not.",
    ),
    "subject_across_splits": Kind(
        "The same patient on both sides",
        "Slices of one head share anatomy, scanner and position. Who has learned one of them knows much "
        "about the next, without knowing anything about the disease.",
    ),
    "linked_across_splits": Kind(
        "Tied to the other side by a chain",
        "Not a copy itself, but joined to the other side through a copy of another slice of its patient.",
    ),
    "synthetic_outside_train": Kind(
        "Generated images among those that measure",
        "What a generator draws is no patient: it belongs into training only.",
    ),
    "copies_with_different_labels": Kind(
        "Equal images, different classes",
        "At least one of the two labels is wrong.",
    ),
    "look_alikes_with_different_labels": Kind(
        "The same picture, different classes",
        "At least one of the two labels is wrong.",
    ),
    "copies_with_different_patients": Kind(
        "Copies under different patients",
        "A patient's number is wrong, or an image stands in the wrong place.",
    ),
    "recovered_patients_differ": Kind(
        "One patient under several numbers",
        "The published set that these images come from says that they show one patient.",
    ),
    "copies_within_split": Kind(
        "Surplus copies",
        "Within one side they are no leak, but a copied image weighs double in training and in the figures.",
    ),
    "look_alikes_within_split": Kind(
        "Look-alikes",
        "Within one side they are no leak: re-encoded copies, or neighbouring slices of one patient.",
    ),
    "look_alike_chains": Kind(
        "Chains of look-alikes",
        "Each looks like the next, the ends do not: cut at the weakest link instead of joined.",
    ),
    "look_alikes_oversized": Kind(
        "Groups too large to be copies",
        "So many images alike are more likely a property of the whole set; they are not joined.",
    ),
    "look_alikes_not_searched": Kind(
        "Look-alikes not searched",
        "Nearly all images are alike, as frames of one film are: looks cannot tell which are copies.",
    ),
    "recovered_subjects": Kind(
        "Patients found again",
        "These images are slices of a published set whose patients are known.",
    ),
    "known_set_overlap": Kind(
        "Also in another public set",
        "Training on the one and testing on the other would measure memory.",
    ),
    "subjects_unknown": Kind(
        "Patients unknown",
        "Two slices of one head that do not look alike cannot be told from slices of two heads.",
    ),
}


def words_for(kind: str) -> Kind:
    """Return the words for a kind; of one that is not known here its own name."""
    known = KINDS.get(kind)
    if known is not None:
        return known
    plain = kind.replace("_", " ").strip() or "finding"
    return Kind(plain[0].upper() + plain[1:], "")
