"""Evaluation: Inspect tasks for the benchmarks over the project's questions and judge, statistics and tables."""
