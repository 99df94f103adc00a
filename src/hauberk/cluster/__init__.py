"""An embedded cluster seen from the host: options, finding it, starting it, stopping it, its status.

Light to import: the CLI's first words must not wait for the control plane's libraries.
"""
