"""How the Lambda layers are built, without Docker and without aws_cdk: `python -m infra.layer`, before `cdk synth`."""
