"""What there is to run, and to run it on, by name: platforms, cores, benchmarks, scenarios."""
