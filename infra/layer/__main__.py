"""`python -m infra.layer [-c key=value …]` builds the layers that `cdk synth` with the same context takes.

cdk.json runs it before each synth (its `build`). What is there is not built again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from infra import market_code
from infra.layer.recipe import NotBuilt, build
from infra.rules import UnknownStage, UnsafeSettings


def main(argv: Sequence[str]) -> int:
    """Exit code 2 with one message for context that means nothing, and for a layer that cannot be built here."""
    flags, pairs = argv[::2], argv[1::2]
    if len(flags) != len(pairs) or any(flag not in ("-c", "--context") for flag in flags):
        print("usage: python -m infra.layer [-c key=value ...], the context that `cdk synth` gets", file=sys.stderr)
        return 2
    context = dict(pair.partition("=")[::2] for pair in pairs)
    try:
        from infra.context import stages_from_context  # within: settings that cannot be are refused at their import

        for stage in stages_from_context(context.get):
            build(stage.layer_target)
            if stage.market:
                market_code.build(stage.calendars)
    except (UnknownStage, UnsafeSettings, NotBuilt) as error:
        print(f"minutemend: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"minutemend: the layers were not built: `{error.cmd[0]}` ended with {error.returncode}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
