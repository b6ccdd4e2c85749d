"""Was the published metric reached, by what, and at which cost?"""
