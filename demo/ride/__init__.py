"""Draws a street in Taiyuan, drives through it, and knows exactly where everything stands."""
