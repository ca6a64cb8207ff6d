"""The CDK app's settings, constructs and stacks. Import it before aws_cdk: jsii reads these once, when it starts."""

import os
from pathlib import Path

os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path(__file__).resolve().parents[1] / ".build" / "jsii"))
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
