"""What stands at the top of an exported project: the exporter copies these modules, and what they use."""
