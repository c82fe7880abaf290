"""What the reference says that no code says: one entry for each thing, and a missing entry is an error."""

from __future__ import annotations

from typing import Final

#: Fields of the catalog's files, by model.
FIELDS: Final = {
    "ScenarioFile": {
        "title": "what the situation is, in one line",
        "intent": "what it is for, in the words of whoever asks for it",
        "examples": "further ways in which somebody might ask for it",
        "requirements": "ids of `requirements.yaml`; any, where the domain has no such file",
        "extends": "one scenario or mixin that this one is laid over",
        "mixins": "further ones, a later over an earlier",
        "parameters": "name to parameter, see below",
        "entities": "name to entity, see below",
        "promises": "conditions over entities that hold whatever is overridden",
        "expects": "what the application should do",
    },
    "ParameterFile": {
        "type": "the type that callers must give",
        "default": "the value without an override; it must keep the limits",
        "minimum": "least value, inclusive; dates as ISO-8601",
        "maximum": "greatest value, inclusive",
        "choices": "the only values allowed",
    },
    "DomainFile": {
        "title": "what the domain is",
        "rules": "the rules by the validator that judges them, see below",
        "columns": "`table.column` to what draws its values, see below",
        "tables": "table to `reference` or `untouched`, see below",
        "references": "what refers to what without a foreign key, see below",
        "masks": "`table.column` to what stands for its values in a baseline, see below",
    },
    "VirtualReferenceFile": {
        "table": "the table that refers",
        "columns": "its columns that do; with `by` there is one",
        "to": "the table referred to; with `by` a mapping of its values to `table.column`",
        "to_columns": "the columns referred to, which are unique there; the primary key where they are left out",
        "by": "the column that says which table it is: `subject_type` beside `subject_id`",
    },
    "ColumnFile": {
        "values": "one of these",
        "pattern": "a text that this regular expression matches as a whole, in the manner of Python's `re`",
        "mimesis": "what `mimesis` gives under this name, such as `address.city`; needs the extra `providers`",
        "locale": "the locale of `mimesis`, such as `de`; `en` where it is left out",
        "reference": "`table.column`: one of the values of that column in the catalog's reference rows",
    },
    "RulesFile": {
        "temporal": "rules about the order of dates",
        "synthetic": "rules that mark a row as made up",
        "values": "all other rules",
    },
    "RuleFile": {
        "id": "unique in the domain; findings carry it",
        "table": "the table whose rows are judged",
        "rule": "a boolean expression over one row; `relation.column` follows a foreign key, `as_of` is the day",
        "fix": "what to do when the rule does not hold",
    },
    "RequirementFile": {"id": "the id that scenarios name", "title": "what is required"},
    "ReferenceFile": {
        "table": "the table that the rows belong to",
        "key": "the columns that identify a row",
        "rows": "the rows; each has the columns of the key",
    },
}

ENTITY_KEYS: Final = {
    "table": "the table; required unless inherited",
    "count": "a number of rows from 0, or a formula of parameters; the test gets a tuple, above 1,000 a volume",
    "existing": "the key of a reference row that is referred to, not inserted: `{code: A1}`",
    "columns": "a mapping of columns whose names are one of these words",
}

#: What stands behind a column under ``masks``.
MASKS: Final = {
    "`hash`": (
        "hexadecimal digits, 32 or as many as the columns take, 16 at least; of a `uuid` another one. For text, "
        "`uuid`, `bytea`"
    ),
    "`format`": (
        "a value of the same length: letters (ASCII) become letters of that case, digits digits, all else stays; an "
        "integer keeps its sign and number of digits. For text, integers"
    ),
    "`generator`": (
        "a value that the generator of this column under `columns` draws, of those that CHECKs on the column alone "
        "allow"
    ),
    "`null`": "NULL, as YAML's null or as text",
    "`{constant: value}`": "this value for all",
    "any other name": (
        "what a strategy of this name in an installed package gives: an entry point of the group `pytest_atdm.masks`"
    ),
}

#: What stands behind a column or relation of an entity.
VALUES: Final = {
    "status: open": "a literal",
    "placed_on: = as_of - 30": (
        "a formula: a Postgres expression over `as_of`, `index`, parameters, columns of the row, and columns of other "
        "entities (`order.placed_on`)"
    ),
    "customer: $customer": (
        "a relation to the entity of this name; the key is the foreign key's column (`customer_id`), that without "
        "`_id`, or the constraint's name"
    ),
}

#: What a domain says of a table.
USES: Final = {
    "reference": (
        "where a row is needed, one of those that stand in the database is taken, of the first 100 by key; none is "
        "made or removed. `existing` names one of them. Where the catalog has reference rows of the table, these are "
        "taken"
    ),
    "untouched": "no plan has a row of it, made or named",
}

EVENTS: Final = {
    "run_started": "a test session in one process began: who, where, and which token it showed (8 hex digits of its "
    "SHA-256)",
    "reference_seeded": "the reference rows of a domain were brought to what the catalog says",
    "request_received": "a scenario was asked for: which, with which overrides, by which test",
    "plan_generated": "the rows are planned: hash, seed, as_of, rows per table",
    "validator_passed": "one validator of the gate had nothing against the plan",
    "request_refused": "the plan was refused: error code and rules; nothing was written",
    "seed_committed": "the rows stand: counts, keys, and of volumes the ranges of keys; part of their transaction",
    "fixtures_written": "fixture files were written: format and file name",
    "consumed_by_test": "the test has used the rows: its id, how it ended, which attempt it was, the scenario with its "
    "requirements, and the commit where one is known",
    "reset_executed": "the rows are gone: counts by table, the application's apart, and what was left",
    "baseline_restored": "the tables are those of a baseline: its name and digest, counts by table, sequences moved",
    "run_ended": "the run is over; nothing is seeded into it any more",
    "baseline_taken": "all tables, or some, stand in the store under a name: rows by table, digest of the content, "
    "strategies by masked column",
    "baseline_dropped": "a baseline is gone from the store",
    "run_reaped": "the run is over because its lease lapsed, its seeder ended, or an operator said so",
}

SEEDER_VARIABLES: Final = {
    "ATDM_TOKEN": "bearer token that callers must show; required unless `--owned`",
    "ATDM_DATABASE_URL": "the target database, as `--database-url`",
    "ATDM_CATALOG": "catalog folder, as `--catalog`",
    "ATDM_BASE_URL": "the address as clients see it, as `--base-url`",
    "ATDM_ALLOW_DATABASES": "names of databases, with commas between, that count as test databases without a mark",
    "ATDM_ALLOW_HOSTS": "hosts, with commas between, that may have the database beside this machine",
    "ATDM_OWNER_DATABASE_URL": (
        "the target database as its owner, who applies ATDM's migrations and grants rights; the role of "
        "`ATDM_DATABASE_URL` does it where this is not set"
    ),
    "ATDM_STORE": "where Parquet is kept, as `--store`: a folder, `file:///folder` or `s3://bucket/prefix`",
    "ATDM_STORE_ENDPOINT": "the URL of a store that speaks S3; AWS where this is not set",
    "ATDM_STORE_KEY": "access key of the bucket; where this is not set, credentials are looked for where AWS has them",
    "ATDM_STORE_SECRET": "its secret",
    "ATDM_STORE_REGION": "the bucket's region; looked for where AWS has it where this is not set",
    "ATDM_MASK_KEY": "what masked values in baselines depend on, 16 characters or more; a new one for each baseline "
    "where this is not set",
}

#: Fields of what reports and JUnit files say of a request.
REQUEST_PROPERTY: Final = {
    "request_id": "the request",
    "run_id": "its run",
    "scenario": "what was asked for",
    "audit_url": "its page in the audit log",
    "seeded": "rows that were written",
    "is_reset": "whether they have been removed",
    "removed": "rows of them that were removed",
    "made_by_sut": "rows that the application had added below them, removed with them",
    "detached": "rows from before that referred to them, set to NULL there",
    "left": "rows that could not be removed",
    "changed": "rows from before that were written meanwhile",
    "beyond": "further writes of triggers, rules or `ON DELETE`",
}

#: What a session means by its exit code.
SESSION_CODES: Final = {
    "OK": "every test passed, every row is gone",
    "TESTS_FAILED": "a test failed or had an error; a cleanup, or the end of a run, had to leave rows, unless "
    "`--atdm-leaks` says otherwise",
    "INTERRUPTED": "a test asks for what cannot be; the seeder, its database or the lease was lost in the middle; "
    "Ctrl-C",
    "INTERNAL_ERROR": "a bug",
    "USAGE_ERROR": "a setting cannot be used; `--atdm-reset-all` or `--atdm-baseline` did not succeed",
    "NO_TESTS_COLLECTED": "there was no test",
}

#: Signs before a row of the report's section.
SIGNS: Final = {
    "": "the row is as it was written",
    "~": "changed since; the old value and the new one",
    "-": "gone",
    "+": "a row that the application has added below those of the test",
}

#: What is on a page, for ``docs/llms.txt``, where the index does not say it in the words of who looks for it.
PAGES: Final = {
    "tutorial.md": "from an empty folder to a test with a situation of its own, in ten minutes",
    "architecture.md": "the words, the flow, the layout and the borders, each rule with the test that holds it",
    "healthcare.md": "the demo's domain: tables, scenarios, requirements, and how its application decides",
    "shop.md": "the second domain that ships: tables, scenarios, requirements",
    "how-to/follow-a-red-claim.md": "a red test of the demo, its whole output, and its rows in another database",
    "how-to/come-from-factory-boy.md": "what becomes of factories, SubFactory, Sequence, traits and session rollback",
    "how-to/come-from-pytest-postgresql.md": "rows for each test in place of a cloned database, or both together",
    "how-to/come-from-testcontainers.md": "keep the container, or have the embedded Postgres take its place",
    "how-to/come-from-sql-seed-scripts.md": "what of a seed.sql becomes reference rows, scenarios, or stays",
    "how-to/troubleshoot.md": "symptom, cause and cure of the errors that users meet, with their messages",
    "how-to/prove-the-audit-log.md": "seals, checkpoints and `atdm audit verify`",
    "reference/catalog.md": "every key of domain, scenario, mixin, requirement and reference files",
    "reference/plugin.md": "mark, fixtures, switches, exit codes, report properties",
    "reference/cli.md": "every command with its help, and what comes out",
    "reference/configuration.md": "every setting of the plugin and of the seeder",
    "reference/errors.md": "the error tree with codes, HTTP statuses and exit codes",
    "reference/hooks.md": "hooks for validators and emitters",
    "reference/http-api.md": "every route, body and answer of the seeder",
    "reference/fixture-format.md": "the files that a request can leave for pytest and Playwright",
    "reference/audit-events.md": "kinds of events, and how they are chained",
    "reference/benchmarks.md": "what was measured, beside other ways to have rows",
    "reference/crash-matrix.md": "what was broken in which moment, and what it came to",
    "explanation/any-schema.md": "how rows are found that keep the constraints of a schema",
    "explanation/audit-log.md": "what the audit log can prove, and what not",
    "explanation/baselines.md": "when a baseline helps, and what it holds",
    "explanation/cleanup.md": "what a cleanup removes, leaves and reports",
    "explanation/design-decisions.md": "what was chosen, what was not, and why",
    "explanation/determinism.md": "which values are the same in each run, and which are not",
    "explanation/when-things-die.md": "what holds when a process, a machine or the network dies",
}
