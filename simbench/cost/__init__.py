"""Prices: what counted instructions cost in cycles, time and energy on a platform. Pure."""
