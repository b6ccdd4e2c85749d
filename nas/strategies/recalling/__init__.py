"""How does a search begin from what earlier tasks have taught?"""
