"""Groovy as Jenkins runs it (2.4): tokens, a tolerant parser and a constant evaluator."""
