"""The layers' recipe: what makes a new one, what does not, and what the runtime finds in it."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.layer import recipe
from infra.layer.elf import drop_symbols
from infra.layer.interpreters import interpreter_for, uv, uv_environment
from infra.layer.target import Target

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGET = Target(RUNNING, "x86_64", ("24/7", "XNYS"))

Filler = Callable[[Target, Path], None]


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


def build(name: str, fill: Filler = fill) -> Path:
    place = recipe.CACHE / name
    recipe._build(place, TARGET, fill)
    return place


def test_the_libraries_are_new_when_a_pin_changes_and_not_when_our_source_or_a_comment_does(sources: Path) -> None:
    before = recipe.libraries(TARGET), recipe.package(TARGET)
    (sources / "minutemend" / "more.py").write_text("")
    after_source = recipe.libraries(TARGET), recipe.package(TARGET)
    assert after_source[0] == before[0]
    assert after_source[1] != before[1]
    (sources / "layer.txt").write_text("# why pandas 3\n\npandas==3 --hash=sha256:0\n")
    assert recipe.libraries(TARGET) == before[0]
    (sources / "layer.txt").write_text("pandas==4 --hash=sha256:1\n")
    assert recipe.libraries(TARGET) != before[0]
    assert recipe.package(TARGET) == after_source[1]


def test_what_is_no_source_goes_into_neither_hash_nor_layer(sources: Path, tmp_path: Path) -> None:
    """What runs, editors and systems leave behind."""
    before = recipe.package(TARGET)
    for name in ("__pycache__/x.cpython-311.pyc", ".DS_Store", "core.py~", "notes.txt"):
        junk = sources / "minutemend" / name
        junk.parent.mkdir(exist_ok=True)
        junk.write_text("x")
    assert recipe.package(TARGET) == before
    recipe._copy_package(TARGET, tmp_path / "python")
    copied = {path.name for path in (tmp_path / "python").rglob("*") if path.is_file()}
    assert copied == {"__init__.py", "sessions.parquet"}


@pytest.mark.usefixtures("sources")
def test_a_layer_is_for_one_runtime_and_architecture_and_the_package_for_its_sessions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    others = [Target("3.12", "x86_64", TARGET.calendars), Target(RUNNING, "arm64", TARGET.calendars)]
    assert len({recipe.libraries(target) for target in [TARGET, *others]}) == 3
    before = recipe.package(TARGET)
    assert recipe.package(Target(RUNNING, "x86_64", ("XNYS",))) != before
    other = tmp_path / "sessions.npz"
    other.write_bytes(b"of a later release")
    monkeypatch.setattr(recipe.sessions, "FILE", other)
    assert recipe.package(TARGET) != before


@pytest.mark.usefixtures("sources")
def test_a_layer_that_is_there_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warm step before `cdk synth`."""
    built = []

    def once(target: Target, python: Path) -> None:
        built.append(target)
        fill(target, python)

    monkeypatch.setattr(recipe, "_install_libraries", once)
    monkeypatch.setattr(recipe, "_copy_package", once)
    recipe.build(TARGET)
    recipe.build(TARGET)
    assert built == [TARGET, TARGET]  # the two layers, each once


@pytest.mark.usefixtures("sources")
def test_a_build_that_fails_leaves_nothing_half_made() -> None:
    def breaks(_target: Target, python: Path) -> None:
        fill(_target, python)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        build("a.zip", breaks)
    assert list(recipe.CACHE.iterdir()) == []


@pytest.mark.usefixtures("sources")
def test_the_same_tree_gives_the_same_bytes() -> None:
    assert build("a.zip").read_bytes() == build("b.zip").read_bytes()


@pytest.mark.usefixtures("sources")
def test_bytecode_is_used_whatever_the_time_of_its_source(tmp_path: Path) -> None:
    """Flags 0b01 in the header: by hash, and unchecked (PEP 552). And tracebacks show the path in Lambda."""
    zipfile.ZipFile(build("a.zip")).extractall(tmp_path / "opt")
    [compiled] = (tmp_path / "opt" / "python" / "__pycache__").glob("one.*.pyc")
    header = compiled.read_bytes()[:8]
    assert header[:4] == importlib.util.MAGIC_NUMBER
    assert struct.unpack("<I", header[4:])[0] == 0b01
    assert b"/opt/python/one.py" in compiled.read_bytes()


@pytest.mark.usefixtures("sources")
def test_without_an_interpreter_of_the_runtimes_version_nothing_is_built_and_the_hash_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a machine lacks changes no template; a layer without bytecode would be another under the same name."""
    before = recipe.libraries(TARGET)
    monkeypatch.setattr(recipe, "interpreter_for", lambda _python, **_options: None)
    assert recipe.libraries(TARGET) == before
    with pytest.raises(recipe.NotBuilt, match=f"`uv python install {RUNNING}`, or pyenv, would do"):
        recipe.build(TARGET)
    assert not recipe.CACHE.exists()


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
