"""Which configurations are there, and which network does one describe?"""
