"""What happens in each phase of a reproduction?"""
