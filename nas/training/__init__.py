"""How is a network trained, measured and kept? It knows nothing of evolution."""
