"""How do the trials that a strategy asks for get trained, whatever happens meanwhile?"""
