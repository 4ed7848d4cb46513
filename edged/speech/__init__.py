"""Pure functions of the speech trade: segmenting, packing, times of words."""
