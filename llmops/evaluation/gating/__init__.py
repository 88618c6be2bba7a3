"""The gate: what is asked, what each bar says about the evidence, and the verdict."""
