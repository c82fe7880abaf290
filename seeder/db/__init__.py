"""The database side of the seeder: the only code that knows SQL and asyncpg. Use it through ``database.Database``."""
