"""What turns (trial, from epoch, to epoch) into metrics?"""
