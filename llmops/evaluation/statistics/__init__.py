"""How sure a figure is: intervals for means, differences, ratios and percentiles.

Rules, in order:

1. The unit is the cluster: cases of one group share a source, so they count together. A cluster enters as a
   pseudo-value, the linearised share of its total in the overall mean; repeats are averaged within a case before.
2. Scores from 0 to 1, and paired differences of them, whatever their kind: `bounded`. One value at the far end of the
   range counts as seen beside the others, for it might have been; nothing is assumed of the shape. Each limit errs in
   at most (1 - level) / 2 of all samples. Of passes and failures it is the exact interval of Clopper and Pearson.
3. Figures without bounds (time, tokens, money), and paired differences of them: `unbounded`, the wider of Student's
   interval, the studentised bootstrap and, for amounts above zero, the lognormal ones. A tail that was not seen may
   still be beyond them.
4. Spend for each point of quality: `ratios`. Percentiles: `quantiles`, by the order of the values alone. Rates of which
   nothing but a count is left (labels, verdicts of a judge): `proportions`, Wilson's interval at an effective count.
5. Draws are seeded from a digest: the same evidence gives the same interval, everywhere and for ever.
6. What cannot be estimated has no interval (None): fewer than two clusters say nothing about the spread between them; a
   ratio has none where quality may be zero, or where spend follows quality without any spread; a percentile has none
   where too few values lie beyond it.

Each module cites its own sources. Linearised ratio of cluster totals: W. G. Cochran, "Sampling Techniques", 3rd ed.
(1977), section 6.3. Bounded means: N. Gaffke, Mathematical Methods of Statistics 14 (2005). Bootstrap-t: B. Efron,
R. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5. Wilson: E. B. Wilson, "Probable inference, the
law of succession, and statistical inference", JASA 22 (1927), p. 209. Percentile: H. A. David, H. N. Nagaraja, "Order
Statistics", 3rd ed. (2003), section 7.1. Several slices: S. Holm, "A simple sequentially rejective multiple test
procedure", Scand. J. Stat. 6 (1979). What was measured, and what it costs: docs/adr/0013.
"""
