"""Other evaluation tools on the same cases: one program each, run in an environment that has the tool.

    python FILE ADDRESS CASES.json CONCURRENCY

Each answers every case once and judges faithfulness, answer relevancy, context precision and context recall, at the
setting that its documentation recommends for speed. Nothing of llmops is imported.
"""
