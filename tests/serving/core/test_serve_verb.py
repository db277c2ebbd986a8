"""``gyrus serve`` as a process: what it says, how it ends, what it refuses; and without torch."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
import tyro

import gyrus
from gyrus.config import ServeOptions
from gyrus.errors import MissingDependencyError, UsageError
from gyrus.verbs import serve as serve_verb
from gyrus.verbs.sources import bundle_of

PATIENCE_S = 120.0
"""How long a test waits for a process: under load it loads its modules for half a minute."""
BLOCKER = '''
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    """Make packages look as if they were not installed."""
    return None if name.split(".")[0] in {blocked} else find(name, path, target)

PathFinder.find_spec = find_spec
'''
WATCH = """
import atexit, sys

def tell():
    loaded = {"torch", "lightning", "timm", "matplotlib", "onnx"} & set(sys.modules)
    sys.stderr.write(f"loaded: {' '.join(sorted(loaded))}\\n")

atexit.register(tell)
"""


class Served:
    """A server in a process of its own."""

    def __init__(self, *arguments, folder, environment=None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gyrus", "serve", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self.lines = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if '"ready"' in line:
                self._ready.set()
        self._ready.set()

    @property
    def url(self):
        assert self._ready.wait(PATIENCE_S)
        told = [json.loads(line) for line in self.lines if line.startswith("{")]
        return next((line["url"] for line in told if line["event"] == "serving"), "\n".join(self.lines))

    def ask(self, path, data=None, **headers):
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code, "\n".join(self.lines)

    def ended(self):
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code, "\n".join(self.lines)


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(*arguments, **options):
        started.append(Served(*arguments, folder=tmp_path, **options))
        return started[-1]

    yield begin
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()
        served.process.stdout.close()
        served._reader.join(PATIENCE_S)
        served.process.stderr.close()


def test_it_serves_without_torch_and_ends_as_told(start, tiny_place, tmp_path, png):
    blocked = {
        "torch",
        "torchvision",
        "lightning",
        "timm",
        "onnx",
        "onnxscript",
        "matplotlib",
        "scipy",
        "sklearn",
    }
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "sitecustomize.py").write_text(BLOCKER.replace("{blocked}", repr(blocked)) + WATCH)
    served = start(
        tiny_place / "model.gyrus", "--port", 0, "--threads", 1,
        environment={"PYTHONPATH": str(tmp_path / "base"), "GYRUS_KEEP_NAMES": "yes"},
    )  # fmt: skip
    assert served.ask("/readyz")[0] == 200
    _, body = served.ask("/api/v1/predict", png, **{"Content-Type": "image/png"})
    assert json.loads(body)["outcome"] in ("answered", "referred")
    assert served.ask("/")[0] == 200
    assert (tmp_path / "gyrus-data" / "gyrus.db").is_file()
    code, said = served.end()
    assert code == 0, said
    assert said.endswith("loaded:"), said
    assert "Traceback" not in said


def test_what_is_being_answered_is_finished_first(start, tiny_place, png):
    served = start(tiny_place / "model.gyrus", "--port", 0, "--db", "none", "--threads", 1)
    host, _, port = served.url.removeprefix("http://").partition(":")
    head = f"POST /api/v1/predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: image/png\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as line:
        line.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(png)}\r\n\r\n".encode() + png[:100])
        # bytes that the server has not seen yet are no request
        assert line.recv(1000).startswith(b"HTTP/1.1 100")
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        line.sendall(png[100:])
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
    assert served.ended()[0] == 0


def test_a_port_in_use_is_told(tiny_place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 is in use"):
            serve_verb.run(ServeOptions(bundle=tiny_place / "model.gyrus", port=port, db="none"))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told(tiny_place, host):
    with pytest.raises(UsageError, match=r"no address"):
        serve_verb.run(ServeOptions(bundle=tiny_place / "model.gyrus", host=host, port=0, db="none"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["absent.gyrus"], 3, "absent.gyrus: does not exist"),
        (["."], 3, "without model.gyrus"),
        ([__file__], 5, "test_serve_verb.py"),
        (["{model}", "--db", "mysql://localhost/x"], 2, "not known"),
        (["{model}", "--db", "nonsense"], 2, "cannot be read"),
        (["{model}", "--db", "postgresql://nobody:secret@127.0.0.1:1/none"], 3, "database"),
        (["{model}", "--port", "70000"], 2, "port is 70000"),
        (["{model}", "--max-upload-mib", "0"], 2, "max_upload_mib is 0"),
        (["{model}", "--patience-seconds", "-1"], 2, "patience_seconds"),
        (["{model}", "--slices", "few"], 2, "slices is 'few'"),
        (["{model}", "--root-path", "gyrus/"], 2, "root_path"),
        (["{model}", "--api-key-file", "absent"], 2, "absent"),
        (["{model}", "--bacth-size", "2"], 2, "batch-size"),
        (["{model}", "--data-folder", "/dev/null/x"], 3, "/dev/null"),
    ],
)
def test_what_cannot_be_served_is_told(tiny_place, tmp_path, monkeypatch, capsys, arguments, code, words):
    from gyrus.cli import main

    monkeypatch.chdir(tmp_path)
    model = str(tiny_place / "model.gyrus")
    given = [model if word == "{model}" else word for word in arguments]
    assert main(["serve", *given, *([] if "--port" in given else ["--port", "0"])]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("absent", "extra", "arguments"),
    [
        ("fastapi", "serve", []),
        ("python_multipart", "serve", []),
        ("psycopg", "postgres", ["--db", "postgresql://a:b@localhost/c"]),
    ],
)
def test_a_missing_extra_is_named(tiny_place, monkeypatch, capsys, absent, extra, arguments):
    from gyrus.cli import main

    monkeypatch.setitem(sys.modules, absent, None)  # imports of it fail as if it were not installed
    assert main(["serve", str(tiny_place / "model.gyrus"), "--port", "0", *arguments]) == 6
    assert f"pip install 'gyrus[{extra}]'" in capsys.readouterr().err


def test_the_environment_states_options_and_the_command_line_counts_more():
    environment = {
        "GYRUS_PORT": "9000", "GYRUS_KEEP_NAMES": "true", "GYRUS_ALLOWED_HOSTS": "a.example, b.example",
        "GYRUS_BUNDLE": "m.gyrus", "GYRUS_PATIENCE_SECONDS": "2", "GYRUS_THREADS": "3", "GYRUS_JSON": "1",
    }  # fmt: skip
    options = ServeOptions.from_environment(environment)
    assert (options.port, options.keep_names, options.threads, options.json) == (9000, True, 3, False)
    assert options.allowed_hosts == ("a.example", "b.example")
    assert str(options.bundle) == "m.gyrus"
    assert options.patience_seconds == 2.0
    assert ServeOptions.from_environment(environment, port=1).port == 1
    assert ServeOptions.from_environment({}) == ServeOptions()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "x"),
        ("KEEP_NAMES", "perhaps"),
        ("PATIENCE_SECONDS", "long"),
        ("HEAT", "hot"),
        ("THREADS", "0"),
    ],
)
def test_a_wrong_variable_is_named(variable, value):
    with pytest.raises(UsageError, match=variable.lower() if variable in ("HEAT", "THREADS") else variable):
        ServeOptions.from_environment({f"GYRUS_{variable}": value})


def test_the_verb_is_a_function(tiny_place, monkeypatch):
    seen = []
    monkeypatch.setattr(serve_verb, "run", seen.append)
    monkeypatch.setenv("GYRUS_PORT", "9001")
    gyrus.serve(tiny_place / "model.gyrus", log="off")
    assert (seen[0].bundle, seen[0].port, seen[0].log) == (tiny_place / "model.gyrus", 9001, "off")


def test_missing_modules_are_looked_for_before_anything_else(monkeypatch):
    monkeypatch.setattr(serve_verb, "_NEEDED", ("no_such_module",))
    with pytest.raises(MissingDependencyError, match="no_such_module"):
        serve_verb.run(ServeOptions(port=0))


def test_the_demo_ends_by_naming_the_command_that_serves_its_model(tiny_place, tmp_path):
    from gyrus.runs import RunFolder
    from gyrus.verbs.demo import DemoResult

    run = RunFolder(tmp_path / "a run")
    run.path.mkdir()
    run.bundle.write_bytes((tiny_place / "model.gyrus").read_bytes())

    class Told:
        def __init__(self):
            self.run = run

        def to_text(self):
            return "figures"

    last = DemoResult(tmp_path, Told(), Told()).to_text().splitlines()[-1]
    words = shlex.split(last)
    assert words[:2] == ["gyrus", "serve"]
    options = tyro.cli(ServeOptions, args=words[2:])
    assert bundle_of(options.bundle) == run.bundle
