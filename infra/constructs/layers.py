"""The two Lambda layers, built on this machine without Docker (infra/layer has the recipe)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import Annotations, AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.layer import recipe
from infra.layer.recipe import Target


@jsii.implements(ILocalBundling)
class _Build:
    """Puts a finished zip where CDK wants it; called only when the asset's hash is new to cdk.out."""

    def __init__(self, build: Callable[[], Path]) -> None:
        self._build = build

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        shutil.copy(self._build(), output_dir)
        return True


class Layers(Construct):
    """`versions`: the libraries and our package, as two layers, because they change at different times."""

    def __init__(self, scope: Construct, construct_id: str, *, target: Target) -> None:
        super().__init__(scope, construct_id)
        libraries = self._layer(
            "Libraries",
            target=target,
            source=recipe.LOCK.parent,
            asset_hash=recipe.libraries_hash(target),
            build=lambda: recipe.build_libraries(target),
        )
        package = self._layer(
            "Package",
            target=target,
            source=recipe.PACKAGE,
            asset_hash=recipe.package_hash(target),
            build=lambda: recipe.build_package(target),
        )
        self.versions: list[lambda_.ILayerVersion] = [libraries, package]
        if not target.bytecode:
            Annotations.of(self).add_warning_v2(
                "minutemend:layer-without-bytecode",
                f"No Python {target.python} was found to compile the layers: their functions will start almost five "
                f"times slower. `uv python install {target.python}`, or pyenv, would cure that.",
            )

    def _layer(
        self, name: str, *, target: Target, source: Path, asset_hash: str, build: Callable[[], Path]
    ) -> lambda_.LayerVersion:
        code = lambda_.Code.from_asset(
            str(source),
            asset_hash=asset_hash,
            asset_hash_type=AssetHashType.CUSTOM,
            bundling=BundlingOptions(
                image=DockerImage.from_registry("scratch"),  # never used: the local build does not give up
                local=_Build(build),
                output_type=BundlingOutput.ARCHIVED,
            ),
        )
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            compatible_runtimes=[lambda_.Runtime(f"python{target.python}", lambda_.RuntimeFamily.PYTHON)],
            compatible_architectures=[lambda_.Architecture.custom(target.architecture)],
            description=f"minutemend {name.lower()} for Python {target.python} on {target.architecture}",
        )
