"""What the machine can do: the same server, database and bodies, and as little code as anybody could write."""
