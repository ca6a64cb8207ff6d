"""Adapters that the tools alone use: CloudFormation, CloudWatch, Step Functions, dead letters; clients are given."""
