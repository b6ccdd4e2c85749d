"""Which children are bred, and how are they halved?"""
