"""What to run: names and files become tasks with their inputs."""
