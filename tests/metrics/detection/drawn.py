"""Random detectors, for tests."""

import numpy as np

from gyrus.metrics.detection import Cohort


def drawn_cohort(seed, n_images=30, n_classes=2, ties=True, side=200, patients=None):
    """Return a cohort: lesions of all sizes, near and far boxes, ties, images without either."""
    rng = np.random.default_rng(seed)
    n_true = rng.integers(0, 4, n_images)
    n_false = rng.integers(0, 6, n_images)
    true_image = np.repeat(np.arange(n_images), n_true)
    corner = rng.integers(0, side - 120, (true_image.size, 2))
    true = np.concatenate([corner, corner + rng.integers(4, 120, corner.shape)], axis=1).astype(float)
    copies = np.repeat(np.arange(len(true)), rng.integers(0, 3, len(true)))
    near = true[copies] + rng.integers(-4, 5, (copies.size, 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    false_image = np.repeat(np.arange(n_images), n_false)
    corner = rng.integers(0, side - 60, (false_image.size, 2))
    far = np.concatenate([corner, corner + rng.integers(3, 60, corner.shape)], axis=1).astype(float)
    true_class = rng.integers(0, n_classes, true_image.size)
    image = np.concatenate([true_image[copies], false_image])
    label = np.concatenate([true_class[copies], rng.integers(0, n_classes, false_image.size)])
    order = rng.permutation(image.size)
    scores = rng.random(image.size)
    if ties:
        scores = np.round(scores, 1)
    subject = np.arange(n_images) % (patients or n_images)
    return Cohort(
        predicted=np.concatenate([near, far])[order], scores=scores[order], predicted_image=image[order],
        predicted_class=label[order], true=true, true_image=true_image, true_class=true_class,
        scan=np.arange(n_images), subject=subject, n_classes=n_classes,
    )  # fmt: skip
