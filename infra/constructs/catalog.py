"""The Glue database with a table for everything in the lake, and the Athena workgroup that queries it."""

from __future__ import annotations

import json
from base64 import b64encode

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct
from minutemend.contract import (
    ATHENA_PREFIX,
    COLUMNS,
    FIRST_DT,
    PARTITION,
    UNPARTITIONED,
    Table,
)
from minutemend.views import BARS_RESOLVED, REVISION_COLUMNS, REVISIONS, resolved_sql, revisions_sql

from infra.concerns import Concern, tag
from infra.settings import StageSettings

_TRINO = {"string": "varchar", "timestamp": "timestamp(3)", "int": "integer"}  # Glue's types where Trino's differ
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class Catalog(Construct):
    """`database` and its tables. Partitions are projected: none has to be registered."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, data: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        self.database = settings.stack_name.replace("-", "_")  # Athena would want a hyphen quoted
        self._bucket = data.bucket_name
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Stack.of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database, description=f"The minute lake of the stage {settings.name}"
            ),
        )
        schema = f'"{self.database}".'
        resolved = self._view(
            BARS_RESOLVED,
            resolved_sql(f"{schema}{Table.BARS}"),
            COLUMNS[Table.BARS],
            says="One bar a minute: read this, not the table bars, where a minute may lie twice",
        )
        revisions = self._view(
            REVISIONS,
            revisions_sql(schema=schema),
            REVISION_COLUMNS,
            says="Bars of one minute that disagree; what was rejected, too",
        )
        for table in (*map(self._table, Table), resolved, revisions):
            table.add_resource_dependency(database)
        stack = Stack.of(self)
        self._catalog = stack.format_arn(service="glue", resource="catalog")
        # Athena looks at the default database first, whatever is queried; a table is judged with its ancestors:
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        self.database_arns = [self._catalog, self._arn("database", "default"), self._arn("database", self.database)]

    def arns_of(self, *tables: Table) -> list[str]:
        """What the right to look at these tables is given on."""
        own = [self._arn("table", f"{self.database}/{table.value}") for table in tables]
        return [self._catalog, self._arn("database", self.database), *own]

    def _arn(self, kind: str, name: str) -> str:
        return Stack.of(self).format_arn(service="glue", resource=kind, resource_name=name)

    def _table(self, table: Table) -> glue.CfnTable:
        location = f"s3://{self._bucket}/{table.value}/"
        parameters = {"classification": "parquet", "parquet.compression": "ZSTD", "EXTERNAL": "TRUE"}
        partitioned = table not in UNPARTITIONED
        if partitioned:
            parameters |= {
                "projection.enabled": "true",
                f"projection.{PARTITION}.type": "date",
                f"projection.{PARTITION}.format": "yyyy-MM-dd",
                # A day ahead of UTC's date: nothing is written beyond it.
                f"projection.{PARTITION}.range": f"{FIRST_DT},NOW+1DAYS",
                f"projection.{PARTITION}.interval": "1",
                f"projection.{PARTITION}.interval.unit": "DAYS",
                "storage.location.template": f"{location}{PARTITION}=${{{PARTITION}}}",
            }
        return glue.CfnTable(
            self,
            f"{table.value.capitalize()}Table",
            catalog_id=Stack.of(self).account,
            database_name=self.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=table.value,
                table_type="EXTERNAL_TABLE",
                parameters=parameters,
                partition_keys=[glue.CfnTable.ColumnProperty(name=PARTITION, type="string")] if partitioned else [],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=location,
                    columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS[table]],
                    input_format=f"{_PARQUET}.MapredParquetInputFormat",
                    output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )

    def _view(self, name: str, sql: str, plain: tuple[tuple[str, str], ...], *, says: str) -> glue.CfnTable:
        """A view as Athena keeps one that CREATE VIEW made."""
        columns = [*plain, (PARTITION, "string")]
        view = {
            "originalSql": sql,
            "catalog": "awsdatacatalog",
            "schema": self.database,
            "columns": [{"name": name, "type": _TRINO.get(kind, kind)} for name, kind in columns],
        }
        return glue.CfnTable(
            self,
            f"{name.title().replace('_', '')}View",
            catalog_id=Stack.of(self).account,
            database_name=self.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=says,
                table_type="VIRTUAL_VIEW",
                parameters={"presto_view": "true", "comment": "Presto View"},
                view_original_text=f"/* Presto View: {b64encode(json.dumps(view).encode()).decode()} */",
                view_expanded_text="/* Presto View */",
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in columns],
                ),
            ),
        )


class Workgroup(Construct):
    """`name` of the Athena workgroup: engine 3, its settings enforced, a query cut off at a number of bytes."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, results: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        self.name = settings.stack_name
        group = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=self.name,
            description=f"The audits of the stage {settings.name}",
            recursive_delete_option=True,  # its query history; results lie in the bucket and expire there
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=settings.scan_cutoff_bytes,
                requester_pays_enabled=False,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{results.bucket_name}/{ATHENA_PREFIX}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
        self.arn = Stack.of(self).format_arn(service="athena", resource="workgroup", resource_name=group.ref)
        tag(self, Concern.AUDIT)
