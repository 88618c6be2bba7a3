"""The evaluation engine under load and under fire, beside a bare client and beside others."""
