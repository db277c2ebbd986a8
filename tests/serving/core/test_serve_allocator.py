"""The server's malloc: few heaps, however many threads there are."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, sys, threading
from gyrus.serving.allocator import give_large_pieces_back

if sys.argv[1] == "few" and not give_large_pieces_back():
    sys.exit(77)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
all_here = threading.Barrier(9)

def take():
    libc.malloc(100_000)
    all_here.wait()
    all_here.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
all_here.wait()
stream = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, stream)
libc.fclose(stream)
all_here.wait()
"""


def heaps(way, path):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, way, path], capture_output=True, text=True, check=False
    )
    if ended.returncode == 77:
        pytest.skip("this system's malloc has no such settings")
    assert ended.returncode == 0, ended.stderr
    return path.read_text().count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc_info")
def test_threads_share_two_heaps(tmp_path):
    assert heaps("usual", tmp_path / "usual.xml") > 2
    assert heaps("few", tmp_path / "few.xml") <= 2
