// schema.h: the tables of the store, as numbered migrations for db_migrate().
#pragma once

#include <stddef.h>

extern const char *const schema_migrations[];
extern const size_t schema_migration_count;

// The numbers of migrations that others have to know.
enum { SCHEMA_HAS_SERVERS = 2, SCHEMA_MASKS_ALL = 4 };
