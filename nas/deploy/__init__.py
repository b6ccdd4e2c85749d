"""In which formats of others can the winner and the run's results be had?"""
