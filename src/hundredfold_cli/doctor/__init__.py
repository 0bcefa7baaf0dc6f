"""What must hold before a deployment: of this machine, and of the account."""
