"""Painted pictures by the thousand, in tar or Parquet files with a manifest."""
