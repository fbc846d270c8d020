#!/usr/bin/env bash
# duckdb 1.5.6 reads Parquet decimals of more than 38 digits as DOUBLE, and as other numbers: 1.5 in a column decimal(39, 2) becomes
# 1.080863910568919e+17, 1.5 in decimal(60, 2) 422212465065984. Only where a value fills all of its 8-byte words, which is so with 76
# digits (32 bytes; pyarrow stores 39 digits in 17 and 60 in 26), is the number right. No error, no warning. duckdb 2.0.1 gives the
# right ones; pyarrow 26.0.1 wrote the files and reads them right.
#
# Seen on 2026-12-01. Tables with such columns come from databases that count in NUMERIC without a bound. Whoever judges or calibrates
# on such a table through duckdb gets plausible numbers that are none of the file's.
#
# Here: such a column is refused by file and column, with what to do (TableColumn, TableValuesTests); tables are read by duckdb_jdbc 1.5.6.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 1.5.6 2.0.1; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q "duckdb==$version" pyarrow==26.0.1
    (cd "$work" && "$work/$version/bin/python" - <<'EOF'
from decimal import Decimal, getcontext

import duckdb
import pyarrow
import pyarrow.parquet

getcontext().prec = 90
numbers = [1.5, -7.25, 123456.75, 0.0]
wrong = []
print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__)
for digits in (38, 39, 45, 60, 76):
    kind = pyarrow.decimal128(digits, 2) if digits == 38 else pyarrow.decimal256(digits, 2)
    column = pyarrow.array([Decimal(str(number)).quantize(Decimal("0.01")) for number in numbers], kind)
    pyarrow.parquet.write_table(pyarrow.table({"n": column}), "n.parquet")
    assert [float(value) for value in pyarrow.parquet.read_table("n.parquet")["n"].to_pylist()] == numbers
    read = duckdb.sql("select n, typeof(n) from 'n.parquet'").fetchall()
    found = [float(value) for value, _ in read]
    print(digits, "digits,", read[0][1], found, "right" if found == numbers else "WRONG")
    if found != numbers:
        wrong.append(digits)
assert wrong == ([39, 45, 60] if duckdb.__version__ == "1.5.6" else []), wrong
EOF
    )
done
