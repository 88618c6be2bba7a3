"""How sure a figure is: intervals for means, differences, ratios and percentiles.

Rules, in order:

1. The unit is the cluster: cases of one group share a source, so they count together. A cluster enters as a
   pseudo-value, the linearised share of its total in the overall mean; repeats are averaged within a case before.
2. Scores from 0 to 1 and their differences, whatever their shape: the interval that assumes nothing but the ends
   (`bounded`). What was not seen may be the worst; of passes and failures that is the exact interval. It is computed,
   not drawn. docs/adr/0013 has the alternatives, and what it costs.
3. Figures without bounds (time, money) and ratios of sums: the widest of a studentised bootstrap, Student's interval
   and, for amounts, the lognormal one (`unbounded`, `ratios`). They rest on a word about the tail.
4. Draws are seeded from a digest: the same evidence gives the same interval, everywhere and for ever.
5. What cannot be estimated has no interval (None): one cluster says nothing about the spread between clusters, equal
   values without bounds nothing about the next one, quality near zero nothing about spend for each point of it.
6. A value that is no number, or outside its range, is refused by name (ValueError).

`python -m benchmarks.simulation.coverage` measures how often each interval holds the truth.

Sources stand with the formulas. Those of several files: linearised ratio of cluster totals, W. G. Cochran, "Sampling
Techniques", 3rd ed. (1977), section 6.3; bootstrap-t, B. Efron, R. Tibshirani, "An Introduction to the Bootstrap"
(1993), section 12.5; Wilson's interval, which calibration uses, E. B. Wilson, "Probable inference, the law of
succession, and statistical inference", JASA 22 (1927), p. 209; percentile, H. A. David, H. N. Nagaraja, "Order
Statistics", 3rd ed. (2003), section 7.1; correction of several slices, S. Holm, "A simple sequentially rejective
multiple test procedure", Scand. J. Stat. 6 (1979).
"""
