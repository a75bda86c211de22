"""How good the deciding is (质量): precision, agreement, what screening loses, and which thresholds follow."""
