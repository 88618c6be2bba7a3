"""What is asked of labels before they can say how often a judge errs."""

# Of each kind (people's verdicts, or the judge's): under this many labels no rate of errors is worth printing.
LEAST = 10
