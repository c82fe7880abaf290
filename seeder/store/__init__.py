"""Where Parquet is kept: a folder of this machine, or an S3 bucket; objects are written once and never changed."""
