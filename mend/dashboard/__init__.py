"""`mend dashboard check`: what watches a stage, held against what was deployed."""
