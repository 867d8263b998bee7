"""Git: the one place that starts it (layer 2).

`url` parses a repository's address, `credentials` finds what to show its host, `runner` starts git, `bare` is
the private repository that a bump works in, `local` reads the user's checkout.
"""
