"""The idea both papers share: flow, schedule, attention with a cache, sampler, speculation."""
