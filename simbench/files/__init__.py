"""Files and where they lie: YAML with line numbers, pinned downloads, paths, installed packages."""
