"""The two Lambda layers, built before synth (infra/layer has the recipe, `make layers` builds)."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Annotations, AssetHashType
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.layer import recipe
from infra.layer.target import Target


class Layers(Construct):
    """`versions`: the libraries and our package, as two layers, because they change at different times."""

    def __init__(self, scope: Construct, construct_id: str, *, target: Target) -> None:
        super().__init__(scope, construct_id)
        built = {"Libraries": recipe.libraries(target), "Package": recipe.package(target)}
        self.versions: list[lambda_.ILayerVersion] = [
            self._layer(name, target=target, built=path) for name, path in built.items()
        ]
        if not all(path.exists() for path in built.values()):
            # The template is the same without them, so it is made; the CDK deploys no stack with an error.
            Annotations.of(self).add_error(
                f"The layers for Python {target.python} on {target.architecture} are not built: `make layers`, or "
                "`python -m infra.layer` with the same -c, would do.",
            )

    def _layer(self, name: str, *, target: Target, built: Path) -> lambda_.LayerVersion:
        code = lambda_.Code.from_asset(
            str(built if built.exists() else Path(__file__).parent),
            asset_hash=built.stem.partition("-")[2],
            asset_hash_type=AssetHashType.CUSTOM,
        )
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            compatible_runtimes=[lambda_.Runtime(f"python{target.python}", lambda_.RuntimeFamily.PYTHON)],
            compatible_architectures=[lambda_.Architecture.custom(target.architecture)],
            description=f"minutemend {name.lower()} for Python {target.python} on {target.architecture}",
        )
