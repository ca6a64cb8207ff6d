"""Who may import whom, read from the files themselves (docs/architecture.md, "Rooms").

A room is a folder. Only what is written here is allowed, so a new dependency is a line in this file, with a
reviewer's eyes on it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from minutemend.contract import VENDORS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runtime" / "layer"
HANDLER_LINES = 60  # a screen
FILE_LINES = 300

# Files that are longer than FILE_LINES, each with the reason why they are not two.
LONG_FILES = {
    "runtime/layer/minutemend/contract.py": "all that infra and functions share, the registry of vendors too",
    "runtime/layer/minutemend/core/evidence.py": "the one rule of absence, where each condition sees the others",
    "tests/integration/test_vendors.py": "one contract over HTTP for every vendor, fault by fault",
    "tests/unit/adapters/test_vendors.py": "the same faults for each vendor, as literals",
    "tests/unit/core/test_evidence.py": "the one rule of absence, sentence by sentence, as docs/absence.md has it",
    "tests/unit/services/test_compaction.py": "readers, audits and repairs at the same moment: one lake, one story",
}


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, and where it stands."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def python_files(folder: str) -> list[Path]:
    found = [path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]
    assert found, f"{folder} has no Python files: the rule would hold nothing"
    return found


@cache
def _nodes(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    tree = ast.walk(ast.parse(path.read_text(), filename=str(path)))
    return tuple(node for node in tree if isinstance(node, ast.Import | ast.ImportFrom))


def imports(*folders: str) -> Iterator[Import]:
    """Every import in the folders, also those inside functions and under TYPE_CHECKING. Relative ones are spelt out."""
    for folder in folders:
        for path in python_files(folder):
            yield from imports_of(path)


def imports_of(path: Path) -> Iterator[Import]:
    """Every import of one file."""
    name = str(path.relative_to(ROOT))
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (Import(name, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parents = path.relative_to(PACKAGE if PACKAGE in path.parents else ROOT).parts[: -node.level]
                module = ".".join([*parents, module]).rstrip(".")
            # `from minutemend import contract` imports minutemend.contract.
            yield from (Import(name, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def breaches(*folders: str, only: tuple[str, ...] | None = None, never: tuple[str, ...] = ()) -> list[str]:
    """Imports that the folders may not have: of `never`, or (with `only`) of neither these nor the standard library."""
    return [
        str(one)
        for one in imports(*folders)
        if within(one.module, *never)
        or (only is not None and not standard(one.module) and not within(one.module, *only))
    ]


RUNTIME = "runtime/layer/minutemend"


def test_core_imports_nothing_but_the_standard_library_and_data_types() -> None:
    """numpy and pyarrow's types and kernels; no file format, no service."""
    assert breaches(f"{RUNTIME}/core", only=("numpy", "pyarrow", "minutemend.core", "minutemend.contract")) == []


def test_core_reads_and_writes_no_files_and_no_network() -> None:
    """Also not by what the standard library and pyarrow would offer."""
    files = ("pyarrow.parquet", "pyarrow.csv", "pyarrow.fs", "pyarrow.dataset", "os", "subprocess")
    network = ("socket", "http", "urllib.request")
    assert breaches(f"{RUNTIME}/core", never=(*files, *network)) == []


def test_ports_know_core_alone() -> None:
    """A port is spoken in the words of the core."""
    assert breaches(f"{RUNTIME}/ports", only=("minutemend.core", "minutemend.ports")) == []


def test_services_know_core_and_ports() -> None:
    """And Arrow, with Parquet on bytes; never an adapter, never AWS."""
    known = ("minutemend.core", "minutemend.ports", "minutemend.services", "minutemend.contract", "minutemend.views")
    assert breaches(f"{RUNTIME}/services", only=("numpy", "pyarrow", *known)) == []


def test_adapters_do_not_know_the_services() -> None:
    """They serve the ports; who uses them is not their business."""
    assert breaches(f"{RUNTIME}/adapters", never=("minutemend.services", "minutemend.wiring")) == []


def test_boto_lives_in_adapters_and_wiring() -> None:
    """botocore's exceptions are AWS' as well; mend/problems.py turns them into words and is the one exception."""
    wrong = [
        str(one)
        for one in imports("runtime", "mend", "market", "local", "infra")
        if within(one.module, "boto3", "botocore")
        and not one.file.startswith((f"{RUNTIME}/adapters/", f"{RUNTIME}/wiring/", "mend/aws/"))
        and one.file != "mend/problems.py"
    ]
    assert wrong == []


def test_clients_are_made_in_wiring_alone() -> None:
    """One place knows region, endpoint and retries: boto3 itself is imported nowhere else, also by no adapter."""
    makers = [one for one in imports("runtime", "mend", "market", "local", "infra") if within(one.module, "boto3")]
    assert {one.file for one in makers} == {f"{RUNTIME}/wiring/clients.py"}


def test_runtime_never_imports_what_is_not_deployed() -> None:
    """Neither infra nor the command line nor the local room is in the layer."""
    assert breaches("runtime", never=("infra", "mend", "market", "local", "bench", "tests", "aws_cdk")) == []


def test_infra_imports_of_the_runtime_only_the_contract() -> None:
    """Names and keys, and the text of the views; a template can be made without pandas."""
    wrong = [
        str(one)
        for one in imports("infra")
        if within(one.module, "minutemend", "mend", "market", "local")
        and not within(one.module, "minutemend.contract", "minutemend.views")
    ]
    assert wrong == []


def test_nothing_but_tests_imports_tests() -> None:
    """A fake in production would be a lie."""
    assert breaches("runtime", "mend", "market", "local", "infra", "bench", never=("tests",)) == []


def test_handlers_fit_on_a_screen() -> None:
    """Parse, call one service, return."""
    lengths = {path.name: len(path.read_text().splitlines()) for path in python_files("runtime/handlers")}
    assert {name: lines for name, lines in lengths.items() if lines > HANDLER_LINES} == {}


def test_handlers_reach_the_world_through_wiring() -> None:
    """They know no adapter's class and no library of AWS."""
    assert breaches("runtime/handlers", never=("boto3", "botocore", "pandas", "pyarrow")) == []


def test_each_module_of_the_layer_is_reached_by_a_handler() -> None:
    """What only the tools use lies in `mend`: an edit to a tool publishes no layer. Vendors are reached by their row of
    the registry."""
    reached: set[str] = set()
    waiting = [one.module for one in imports("runtime/handlers")]
    waiting += [f"minutemend.adapters.vendors.{name}" for name in VENDORS]
    while waiting:
        name = waiting.pop()
        for parent in (name, name.rpartition(".")[0]):
            path = PACKAGE / Path(*parent.split("."))
            file = next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.exists()), None)
            if within(parent, "minutemend") and file and str(file) not in reached:
                reached.add(str(file))
                waiting += [module.module for module in imports_of(file)]
    layer = {str(path) for path in python_files(RUNTIME) if path.name != "__init__.py"}
    assert sorted(layer - reached) == []


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git clone: which files are ours is unknown")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_a_file_over_300_lines_is_asked_why() -> None:
    """The answer stands in LONG_FILES."""
    files = tracked("*.py", "*.js", "*.css", "*.sh")
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in files}
    long = {name: lines for name, lines in lengths.items() if lines > FILE_LINES}
    assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}
    assert [name for name in LONG_FILES if name not in lengths] == []


def test_there_is_no_room_for_odds_and_ends() -> None:
    """A function lives in the room of its subject."""
    odd = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert [name for name in tracked("*.py") if odd & set(Path(name).with_suffix("").parts)] == []
