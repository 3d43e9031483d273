"""Small real training runs: a corpus that is on every machine, a model, a loop, a sweep.

Needs the extra ``train`` (torch). Nothing outside this package imports torch.
"""
