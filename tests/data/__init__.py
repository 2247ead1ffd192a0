"""Small recorded cases, one for each network, so that a clone without the golden folder proves something too."""
