"""Statistics of a dataset by duckdb, as JSON: `dataset_oracle.py <folder of a dataset>`."""
import json
import sys

import duckdb

folder = sys.argv[1]
ask = duckdb.sql
ask("set enable_progress_bar = false")
SUITE = "case when cross_repo_split <> 'train' then cross_repo_split when in_repo_split = 'train' then 'train' else 'ir_' || in_repo_split end"
ask(f"create view qna as select *, {SUITE} as suite from read_parquet('{folder}/qna/*.parquet', union_by_name = true)")
ask(f"create view commits as select *, {SUITE} as suite from read_parquet('{folder}/commits/*.parquet', union_by_name = true)")


def by_suite(query):
    return {suite: rest for suite, *rest in ask(query).fetchall()}


print(json.dumps({
    "tasks": by_suite("select suite, count(*), count(distinct repo_id), count(distinct (repo_id, commit_sha)) from qna group by 1"),
    "commits": by_suite("select suite, count(distinct repo_id), count(distinct (repo_id, commit_sha)) from commits group by 1"),
    "families": [list(row) for row in ask("""select suite, assertion_type, 100.0 * count(*) / sum(count(*)) over (partition by suite)
        from qna group by 1, 2""").fetchall()],
    "kinds": [list(row) for row in ask("""select suite, target_kind, 100.0 * count(*) / sum(count(*)) over (partition by suite)
        from qna group by 1, 2""").fetchall()],
    "lengths": {column: list(ask(f"""select avg(n), median(n), stddev_samp(n), quantile_cont(n, 0.75), quantile_cont(n, 0.95), quantile_cont(n, 0.99), max(n)
        from (select length({column}) as n from qna)""").fetchall()[0]) for column in ("prefix", "target")},
    "months": [list(row) for row in ask("""select cross_repo_split, substr(commit_timestamp, 1, 7), count(*)
        from commits group by 1, 2 order by 1, 2""").fetchall()],
}))
