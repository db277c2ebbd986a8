"""Named public data sets: where they lie, under which licence, and which bytes they have to be.

A set is fetched only with a SHA-256 that was published or confirmed by others; one that is behind an account
or has none is described, so that a person fetches it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a set."""

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class PublicSetFacts:
    """What is known of a set.

    Attributes
    ----------
    title, licence, page : str
        What it is, under which terms, and where a person finds it.
    files : tuple of RemoteFile
        Empty where it cannot be fetched without an account, or no checksum is known.
    by_hand : str
        What to fetch, and where to put it.
    """

    title: str
    licence: str
    page: str
    files: tuple[RemoteFile, ...] = ()
    by_hand: str = ""


_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _mnist(name: str, sha256: str, size: int) -> RemoteFile:
    return RemoteFile(name, tuple(base + name for base in _MNIST), sha256, size)


def _cifar(name: str, sha256: str, size: int) -> RemoteFile:
    return RemoteFile(name, (_CIFAR + name,), sha256, size)


PUBLIC_SETS: dict[str, PublicSetFacts] = {
    "mnist": PublicSetFacts(
        "MNIST: 70,000 handwritten digits (LeCun, Cortes, Burges 1998)",
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist/",
        (
            _mnist("train-images-idx3-ubyte.gz",
                   "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            _mnist("train-labels-idx1-ubyte.gz",
                   "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            _mnist("t10k-images-idx3-ubyte.gz",
                   "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            _mnist("t10k-labels-idx1-ubyte.gz",
                   "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
    ),
    "cifar10": PublicSetFacts(
        "CIFAR-10: 60,000 colour images of 10 classes (Krizhevsky 2009)",
        "none stated; its author asks for a citation",
        _CIFAR + "cifar.html",
        (_cifar("cifar-10-python.tar.gz",
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce", 170_498_071),),
    ),
    "cifar100": PublicSetFacts(
        "CIFAR-100: 60,000 colour images of 100 classes (Krizhevsky 2009)",
        "none stated; its author asks for a citation",
        _CIFAR + "cifar.html",
        (_cifar("cifar-100-python.tar.gz",
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7", 169_001_437),),
    ),
    "cheng": PublicSetFacts(
        "Cheng's brain tumour set: 3064 slices of 233 ids, MATLAB v7.3 (Cheng 2017)",
        "CC BY 4.0",
        "https://figshare.com/articles/dataset/brain_tumor_dataset/1512427",
        by_hand="the four archives brainTumorDataPublic_*.zip; unpack them into one folder. No checksum is "
        "known to gyrus, so it does not fetch them.",
    ),
    "lgg": PublicSetFacts(
        "kaggle_3m: 3929 slices of 110 patients with lower-grade glioma (Buda et al. 2019)",
        "CC BY-NC-SA 4.0",
        "https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
        by_hand="the archive (an account is needed); unpack it and name its folder kaggle_3m.",
    ),
    "carvana": PublicSetFacts(
        "Carvana image masking challenge: 5088 images of 318 cars (Kaggle 2017)",
        "the competition's rules",
        "https://www.kaggle.com/c/carvana-image-masking-challenge",
        by_hand="train.zip and train_masks.zip (an account is needed, and the rules accepted); unpack both "
        "into one folder.",
    ),
    "brats": PublicSetFacts(
        "BraTS: MR volumes of gliomas with masks (Menze et al. 2015, Baid et al. 2021)",
        "by registration, for research",
        "https://www.synapse.org/brats",
        by_hand="the training data of a year (registration is needed); unpack it and name the folder of "
        "the cases.",
    ),
}  # fmt: skip
