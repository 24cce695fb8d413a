"""Many models at once: a row for each model and platform, as it comes, kept so that it goes on."""
