"""client: what black-box tests speak to a server with; they know the protocol and nothing else."""
