"""cipipe: the push side of GitOps.

Public are the command line (its options, JSON and exit codes), `cipipe.yaml` and the facts document;
the modules are not.
"""

__version__ = "0.1.0"
