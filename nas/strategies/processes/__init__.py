"""What do Gaussian processes of the metrics say of configurations that were not trained?"""
