"""Makes the pages and pictures of the documentation that come out of the code itself.

    python -m docs.generate            writes them
    python -m docs.generate --check    says which are no longer what the code makes, and fails

Run it in the root of the repository, after a change to options, commands, recipes or scans.
"""
