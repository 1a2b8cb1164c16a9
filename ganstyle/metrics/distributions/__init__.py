"""Distances between two sets of images: FID and KID, the features they compare, and where these come from."""
