import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from gyrus.data.label_names import names_of
from gyrus.errors import DataError
from gyrus.training.label_sets import classes_of_sets, encode_sets, positive_weights
from gyrus.training.losses import MultilabelLoss

LABELS = st.lists(st.sets(st.sampled_from(["edema", "mass", "nodule", "x y"])), min_size=1, max_size=20)


@given(LABELS)
def test_the_targets_are_scikit_learns(sets):
    labels = ["|".join(sorted(names)) for names in sets]
    classes = classes_of_sets(labels)
    binarizer = MultiLabelBinarizer()
    expected = binarizer.fit_transform(sets)
    assert classes == tuple(binarizer.classes_)
    assert np.array_equal(encode_sets(labels, classes), expected)


def test_spaces_and_empty_parts_mean_nothing():
    assert names_of(" mass | edema|") == ("mass", "edema")
    assert names_of("") == ()


def test_a_name_that_is_no_class_is_refused():
    with pytest.raises(DataError, match="names 'mas', which is no class"):
        encode_sets(["mass|mas"], ("edema", "mass"))


def test_weights_are_negatives_over_positives():
    targets = encode_sets(["a|b", "a", "a", ""], ("a", "b"))
    assert positive_weights(targets, ("a", "b")) == pytest.approx((1 / 3, 3.0))


@pytest.mark.parametrize("labels", [["a", "a"], ["", ""]])
def test_a_question_with_one_answer_is_named(labels):
    with pytest.raises(DataError, match="shows: a"):
        positive_weights(encode_sets(labels, ("a",)), ("a",))


def test_several_labels_are_learnt():
    torch.manual_seed(0)
    labels = ["a|b", "a", "b", ""] * 8
    targets = torch.from_numpy(encode_sets(labels, ("a", "b")))
    inputs = targets @ torch.randn(2, 5) + 0.05 * torch.randn(32, 5)
    layer = torch.nn.Linear(5, 2)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    loss = MultilabelLoss(positive_weights(targets.numpy(), ("a", "b")))
    for _ in range(100):
        optimizer.zero_grad()
        loss(layer(inputs), targets).backward()
        optimizer.step()
    assert torch.equal((layer(inputs) > 0).float(), targets)
