"""Faults at random instants against real vehicles and a real back office, judged from outside: is anything lost or doubled?"""
