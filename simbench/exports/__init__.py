"""Exporters: a result document in another format, one small file each."""
