"""Pure functions of seeing: names of points, angles, gestures, eyes, effects, codec. Arrays in workers only."""
