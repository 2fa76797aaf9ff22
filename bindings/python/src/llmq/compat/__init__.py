"""Homes for programs that were written for other packages: see docs/migrating_from_llm_queue.md."""
