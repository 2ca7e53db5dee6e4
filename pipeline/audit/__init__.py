"""Is the system even across skin types? Read in this order: plan, figures, judge, result, keep, audit."""
