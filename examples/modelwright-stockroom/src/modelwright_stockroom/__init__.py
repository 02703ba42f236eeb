"""Parts for Modelwright from a stockroom: a learner, a metric of amounts, and a source of old exports."""
