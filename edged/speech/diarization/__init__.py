"""Says who speaks when without any weights, over arrays: for workers only, the daemon has no numpy.

Parts of a recording become cepstra, of which little is kept; at its end those are divided where the
voice changes, the pieces are clustered, and the borders are found anew with what is known by then.
Source: S. Chen and P. Gopalakrishnan, Speaker, environment and channel change detection and
clustering via the Bayesian information criterion (1998).
"""
