"""The layers' recipe: what makes a new one, what does not, and what the runtime finds in it."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.layer import recipe
from infra.layer.elf import drop_symbols
from infra.layer.interpreters import interpreter_for, uv, uv_environment
from infra.layer.recipe import Target

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(RUNNING, "x86_64", ("24/7", "XNYS"), 2026)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package and a lock of the test's own, and a cache that starts empty."""
    package = tmp_path / "minutemend"
    package.mkdir()
    (package / "__init__.py").write_text("SAYS = 'hello'\n")
    (tmp_path / "layer.txt").write_text("pandas==3 --hash=sha256:0\n")
    monkeypatch.setattr(recipe, "PACKAGE", package)
    monkeypatch.setattr(recipe, "LOCK", tmp_path / "layer.txt")
    monkeypatch.setattr(recipe, "CACHE", tmp_path / "cache")
    return tmp_path


def fill(_target: Target, python: Path) -> None:
    python.mkdir(parents=True)
    (python / "one.py").write_text("VALUE = 1\n")


def test_the_libraries_are_new_when_the_lock_changes_and_not_when_our_source_does(sources: Path) -> None:
    before = recipe.libraries_hash(TARGET), recipe.package_hash(TARGET)
    (sources / "minutemend" / "more.py").write_text("")
    after_source = recipe.libraries_hash(TARGET), recipe.package_hash(TARGET)
    assert after_source[0] == before[0]
    assert after_source[1] != before[1]
    (sources / "layer.txt").write_text("pandas==4 --hash=sha256:1\n")
    assert recipe.libraries_hash(TARGET) != before[0]
    assert recipe.package_hash(TARGET) == after_source[1]


def test_what_running_the_sources_leaves_behind_changes_nothing(sources: Path) -> None:
    before = recipe.package_hash(TARGET)
    cached = sources / "minutemend" / "__pycache__"
    cached.mkdir()
    (cached / "x.pyc").write_bytes(b"x")
    assert recipe.package_hash(TARGET) == before


@pytest.mark.usefixtures("sources")
def test_a_layer_is_for_one_runtime_one_architecture_and_the_package_for_a_year() -> None:
    others = [Target("3.12", "x86_64", TARGET.calendars, 2026), Target(RUNNING, "arm64", TARGET.calendars, 2026)]
    hashes = {recipe.libraries_hash(target) for target in [TARGET, *others]}
    assert len(hashes) == 3
    next_year = Target(RUNNING, "x86_64", TARGET.calendars, 2027)
    assert recipe.libraries_hash(next_year) == recipe.libraries_hash(TARGET)
    assert recipe.package_hash(next_year) != recipe.package_hash(TARGET)


@pytest.mark.usefixtures("sources")
def test_a_layer_that_is_there_is_not_built_again() -> None:
    """The warm `cdk synth`."""
    built = []

    def once(target: Target, python: Path) -> None:
        built.append(target)
        fill(target, python)

    first = recipe._cached("a.zip", TARGET, once)
    second = recipe._cached("a.zip", TARGET, once)
    assert first == second
    assert len(built) == 1


@pytest.mark.usefixtures("sources")
def test_a_build_that_fails_leaves_nothing_half_made() -> None:
    def breaks(_target: Target, python: Path) -> None:
        fill(_target, python)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        recipe._cached("a.zip", TARGET, breaks)
    assert list(recipe.CACHE.iterdir()) == []


@pytest.mark.usefixtures("sources")
def test_the_same_tree_gives_the_same_bytes() -> None:
    first = recipe._cached("a.zip", TARGET, fill).read_bytes()
    assert recipe._cached("b.zip", TARGET, fill).read_bytes() == first


@pytest.mark.usefixtures("sources")
def test_bytecode_is_used_whatever_the_time_of_its_source(tmp_path: Path) -> None:
    """Flags 0b01 in the header: by hash, and unchecked (PEP 552). And tracebacks show the path in Lambda."""
    zipfile.ZipFile(recipe._cached("a.zip", TARGET, fill)).extractall(tmp_path / "opt")
    [compiled] = (tmp_path / "opt" / "python" / "__pycache__").glob("one.*.pyc")
    header = compiled.read_bytes()[:8]
    assert header[:4] == importlib.util.MAGIC_NUMBER
    assert struct.unpack("<I", header[4:])[0] == 0b01
    assert b"/opt/python/one.py" in compiled.read_bytes()


@pytest.mark.usefixtures("sources")
def test_without_an_interpreter_of_the_runtimes_version_there_is_no_bytecode_and_another_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_bytecode = recipe.libraries_hash(TARGET)
    monkeypatch.setattr(recipe, "interpreter_for", lambda _python: None)
    assert not TARGET.bytecode
    assert recipe.libraries_hash(TARGET) != with_bytecode
    names = zipfile.ZipFile(recipe._cached("a.zip", TARGET, fill)).namelist()
    assert names == ["python/one.py"]


def test_an_interpreter_is_of_the_version_that_is_asked_for() -> None:
    assert interpreter_for(RUNNING) == Path(sys.executable)
    assert interpreter_for("3.99") is None
    other = interpreter_for("3.13")
    if other is not None:
        ran = subprocess.run([other, "--version"], capture_output=True, text=True, check=True)
        assert ran.stdout.startswith("Python 3.13.")


def test_what_uv_keeps_stays_in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the environment says otherwise."""
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", "/elsewhere")
    found = uv_environment()
    assert found["UV_CACHE_DIR"] == str(recipe.ROOT / ".build" / "uv")
    assert found["UV_PYTHON_INSTALL_DIR"] == "/elsewhere"


def test_uv_is_the_one_of_this_environment() -> None:
    assert uv().exists()


def test_a_library_without_symbols_still_loads(tmp_path: Path) -> None:
    """A real one: an extension module of this interpreter's, cut and imported by another process."""
    import numpy.linalg._umath_linalg as library

    copy = tmp_path / Path(library.__file__).name
    copy.write_bytes(Path(library.__file__).read_bytes())
    other_name = tmp_path / "cached.so"
    other_name.hardlink_to(copy)
    before = copy.stat().st_size
    dropped = drop_symbols(copy)
    assert dropped > 0
    assert copy.stat().st_size == before - dropped
    assert other_name.stat().st_size == before  # the file of uv's cache, say, which other environments use
    code = f"import ctypes, numpy.linalg; ctypes.CDLL({str(copy)!r}); print('loaded')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "loaded\n"


def test_what_is_no_library_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.so.txt"
    text.write_text("libx.so")
    assert drop_symbols(text) == 0
    assert text.read_text() == "libx.so"
