"""Local AWS with its permissions enforced: MiniStack, corrected where it judges otherwise than AWS does.

`python -m local.aws` runs it. `corrections` says what is put right, `acting` what services do in a role's name,
`athena_reads` what a query reads, `ledger` writes down every call and how it was judged; `layers` saves time.
"""
