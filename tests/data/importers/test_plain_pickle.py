"""Pickles of plain values are read; everything else in a pickle is refused, and nothing of it is ever run."""

import os
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.data.importers.plain_pickle import read_plain_pickle
from gyrus.errors import DataError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=12,
)


@given(PLAIN, st.integers(2, 5))
def test_plain_values_come_back(value, protocol):
    assert read_plain_pickle(pickle.dumps(value, protocol), "batch") == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_bytes_come_back(protocol, order):
    array = np.arange(24, dtype=np.uint8).reshape((4, 6), order=order)
    found = read_plain_pickle(pickle.dumps({b"data": array, b"n": [1]}, protocol), "batch")
    np.testing.assert_array_equal(found[b"data"], array)


def test_the_bytes_that_python_2_wrote():
    """``data_batch_1`` was pickled by Python 2: text as SHORT_BINSTRING and BINSTRING."""
    data = b"".join((
        b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x06K\x09eU\x04dataq\x04"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07U\x01bq\x08\x87q\x09Rq\x0a",
        b"(K\x01K\x01K\x03\x86q\x0bcnumpy\ndtype\nq\x0cU\x02u1q\x0dK\x00K\x01\x87q\x0eRq\x0f(K\x03U\x01|q\x10NNN",
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x11b\x89U\x03\x01\x02\xfftq\x12bu.",
    ))  # fmt: skip
    assert [code.name for code, _, _ in pickletools.genops(data)][-1] == "STOP"
    found = read_plain_pickle(data, "batch")
    assert found[b"labels"] == [6, 9]
    np.testing.assert_array_equal(found[b"data"], [[1, 2, 255]])


class Runs:
    def __reduce__(self):
        return (os.mkdir, (Runs.folder,))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_run(tmp_path, protocol):
    Runs.folder = str(tmp_path / "made")
    data = pickle.dumps({b"data": Runs()}, protocol)
    with pytest.raises(DataError, match=r"asks for '(posix|os|nt) mkdir'|has a step"):
        read_plain_pickle(data, "batch")
    assert not (tmp_path / "made").exists()
    pickle.loads(data)  # the file does do it, where it is unpickled
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02c__builtin__\neval\nq\x00.",
        b"\x80\x02cnumpy\nndarray\n.",
        b"\x80\x02cnumpy\nndarray\n)R.",
        b"\x80\x02cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R.",
        b"\x80\x02]q\x00h\x00a.",
        b"\x80\x02P1\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02K\x01K\x02b.",
        b"\x80\x02}K\x01a.",
        b"\x80\x02(K\x01u.",
        b"\x80\x02K\x01",
        b"\x80\x02.",
        b"\x80\x02h\x07.",
        b"\x80\x02e.",
        b"",
        b"\x00" * 40,
        b"not a pickle at all",
        b"\x80\x02T\xff\xff\xff\x7fabc.",
    ],
)
def test_hostile_and_broken_pickles_end_in_an_error(data):
    with pytest.raises(DataError, match=r"batch: is (no pickle|damaged)"):
        read_plain_pickle(data, "batch")


@pytest.mark.parametrize("array", [np.zeros(3, np.float32), np.array(["x"]), np.array([None], object)])
def test_other_arrays_are_refused(array):
    with pytest.raises(DataError):
        read_plain_pickle(pickle.dumps({b"data": array}, 2), "batch")


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damage_never_ends_in_anything_else(noise, place):
    whole = pickle.dumps({b"data": np.arange(30, dtype=np.uint8).reshape(3, 10), b"labels": [1, 2, 3]}, 2)
    place %= len(whole)
    try:
        read_plain_pickle(whole[:place] + noise + whole[place + len(noise) :], "batch")
    except DataError as error:
        assert error.path == "batch"  # noqa: PT017 - one of two outcomes
