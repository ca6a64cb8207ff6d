"""The Glue tables and the Athena workgroup."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import pytest
from aws_cdk.assertions import Capture, Match, Template
from minutemend.contract import COLUMNS, UNPARTITIONED, Table
from minutemend.views import REVISION_COLUMNS, resolved_sql, revisions_sql


@pytest.mark.parametrize("table", list(Table))
def test_every_table_of_the_contract_is_there_and_partitions_are_projected(table: Table, template: Template) -> None:
    partitioned = table not in UNPARTITIONED
    columns = [{"Name": name, "Type": kind} for name, kind in COLUMNS[table]]
    template.resource_properties_count_is(
        "AWS::Glue::Table",
        {
            "TableInput": {
                "Name": table.value,
                "StorageDescriptor": {"Columns": columns},
                "Parameters": {"projection.enabled": "true" if partitioned else Match.absent()},
                "PartitionKeys": [{"Name": "dt", "Type": "string"}] if partitioned else [],
            }
        },
        1,
    )


def test_there_is_no_other_table_but_the_views(template: Template) -> None:
    template.resource_count_is("AWS::Glue::Table", len(Table) + 2)


@pytest.mark.parametrize("name", ["bars_resolved", "revisions"])
def test_the_views_are_the_rules_in_sql(name: str, template: Template) -> None:
    """As Athena keeps views: the text in base64, columns in Trino's types there and in Glue's beside it."""
    text = Capture()
    columns = [*(COLUMNS[Table.BARS] if name == "bars_resolved" else REVISION_COLUMNS), ("dt", "string")]
    template.has_resource_properties(
        "AWS::Glue::Table",
        {
            "TableInput": {
                "Name": name,
                "TableType": "VIRTUAL_VIEW",
                "Parameters": {"presto_view": "true", "comment": "Presto View"},
                "ViewOriginalText": text,
                "ViewExpandedText": "/* Presto View */",
                "StorageDescriptor": {"Columns": [{"Name": column, "Type": kind} for column, kind in columns]},
            }
        },
    )
    encoded = re.fullmatch(r"/\* Presto View: (\S+) \*/", text.as_string())
    assert encoded
    view = json.loads(b64decode(encoded[1]))
    schema = f'"{view["schema"]}".'
    texts = {"bars_resolved": resolved_sql(f"{schema}bars"), "revisions": revisions_sql(schema=schema)}
    assert view["originalSql"] == texts[name]
    trino = {"string": "varchar", "timestamp": "timestamp(3)"}
    assert view["columns"] == [{"name": column, "type": trino.get(kind, kind)} for column, kind in columns]


def test_the_workgroup_enforces_its_settings(template: Template) -> None:
    template.resource_properties_count_is(
        "AWS::Athena::WorkGroup",
        {
            "WorkGroupConfiguration": {
                "EnforceWorkGroupConfiguration": True,
                "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
                "BytesScannedCutoffPerQuery": Match.any_value(),
                "ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}},
            }
        },
        1,
    )
