"""What does the command line understand, and what does each command do?"""
