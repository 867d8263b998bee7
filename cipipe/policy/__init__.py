"""What pipelines do to clusters: commands by catalogue, clusters by job, facts for the rules (layer 1)."""
