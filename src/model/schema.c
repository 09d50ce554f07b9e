// schema.c: see schema.h. A migration that has been released is never edited; a change is a new
// one.
//
// Conventions: `n` is the row's number (creation order, used for joins and paging), `…_id` the UUID
// the world sees; times are microseconds since 1970 UTC; NULL means "none".
#include "model/schema.h"

#include "base/attr.h"

static const char first[] =
    // Facts about the store itself: the fingerprint of the index.key it belongs to.
    "CREATE TABLE meta("
    " name TEXT PRIMARY KEY,"
    " value BLOB NOT NULL) WITHOUT ROWID;"

    // Data keys, wrapped by master.key; master_id tells which master.key.
    "CREATE TABLE keyring("
    " n INTEGER PRIMARY KEY,"
    " wrapped BLOB NOT NULL,"
    " master_id BLOB NOT NULL,"
    " created_at INTEGER NOT NULL);"

    "CREATE TABLE configs("
    " n INTEGER PRIMARY KEY,"
    " config_id TEXT NOT NULL UNIQUE,"
    " config_name TEXT NOT NULL UNIQUE,"
    " created_at INTEGER NOT NULL);"

    "CREATE TABLE projects("
    " n INTEGER PRIMARY KEY,"
    " project_id TEXT NOT NULL UNIQUE,"
    " project_name TEXT NOT NULL UNIQUE,"
    " config INTEGER REFERENCES configs(n),"
    " created_at INTEGER NOT NULL);"
    "CREATE INDEX projects_by_config ON projects(config);"

    // email is shown as it was given; email_key is its lower-case form, by which it is unique.
    "CREATE TABLE users("
    " n INTEGER PRIMARY KEY,"
    " user_id TEXT NOT NULL UNIQUE,"
    " email TEXT NOT NULL,"
    " email_key TEXT NOT NULL UNIQUE,"
    " created_at INTEGER NOT NULL);"

    "CREATE TABLE members("
    " user INTEGER NOT NULL REFERENCES users(n),"
    " project INTEGER NOT NULL REFERENCES projects(n),"
    " created_at INTEGER NOT NULL,"
    " PRIMARY KEY(user, project)) WITHOUT ROWID;"
    "CREATE INDEX members_by_project ON members(project, user);"

    // A key cannot outlive the membership it was made for. `sealed` is NULL for --show-once keys.
    // `mac` covers everything here but last_used_at and use_count.
    "CREATE TABLE api_keys("
    " n INTEGER PRIMARY KEY,"
    " key_id TEXT NOT NULL UNIQUE,"
    " digest BLOB NOT NULL UNIQUE,"
    " sealed BLOB,"
    " masked TEXT NOT NULL,"
    " user INTEGER NOT NULL,"
    " project INTEGER NOT NULL,"
    " name TEXT,"
    " created_at INTEGER NOT NULL,"
    " expires_at INTEGER,"
    " disabled_at INTEGER,"
    " rotated_from TEXT,"
    " rotated_to TEXT,"
    " last_used_at INTEGER,"
    " use_count INTEGER NOT NULL DEFAULT 0,"
    " mac BLOB NOT NULL,"
    " FOREIGN KEY(user, project) REFERENCES members(user, project));"
    // The first gives a user's keys in order, the second those of a membership.
    "CREATE INDEX api_keys_by_user ON api_keys(user);"
    "CREATE INDEX api_keys_by_member ON api_keys(user, project);"
    "CREATE INDEX api_keys_by_project ON api_keys(project);"
    "CREATE INDEX api_keys_by_mask ON api_keys(masked);"

    // What became of keys that are gone: lets a late use be recognised and its successor named.
    "CREATE TABLE retired_keys("
    " digest BLOB PRIMARY KEY,"
    " key_id TEXT NOT NULL,"
    " successor TEXT,"
    " retired_at INTEGER NOT NULL) WITHOUT ROWID;"

    // The audit chain: `mac` covers the record and the mac of the record before it.
    "CREATE TABLE audit("
    " seq INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " action TEXT NOT NULL,"
    " command TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " user_id TEXT,"
    " project_id TEXT,"
    " config_id TEXT,"
    " key_id TEXT,"
    " detail TEXT,"
    " mac BLOB NOT NULL);"

    // `keys` is the sum of the MACs of all API keys. `seal` covers it and the number and mac of the
    // last record, so that cutting off the end shows, and so does putting back an older key row.
    "CREATE TABLE audit_head("
    " one INTEGER PRIMARY KEY CHECK(one = 1),"
    " keys BLOB NOT NULL,"
    " seal BLOB NOT NULL);";

static const char second[] =
    // The MCP servers of a config, in their order. `record` is the public JSON, secrets masked, for
    // showing; `sealed` is the whole true record, and what a gateway goes by.
    "CREATE TABLE servers("
    " n INTEGER PRIMARY KEY,"
    " config INTEGER NOT NULL REFERENCES configs(n),"
    " server_name TEXT NOT NULL,"
    " record TEXT NOT NULL,"
    " sealed BLOB NOT NULL,"
    " UNIQUE(config, server_name));";

static const char third[] =
    // Members of the Python original's file that this program has no use for: kept, sealed, to be
    // given back by an export.
    "CREATE TABLE kept_members("
    " n INTEGER PRIMARY KEY,"
    " member TEXT NOT NULL UNIQUE,"
    " sealed BLOB NOT NULL);";

static const char fourth[] =
    // Unknown members of users, projects, configs and API keys in a file that was imported: an
    // object, sealed, to be given back by an export. `owner` is the UUID.
    "CREATE TABLE kept_of("
    " kind TEXT NOT NULL,"
    " owner TEXT NOT NULL,"
    " sealed BLOB NOT NULL,"
    " PRIMARY KEY(kind, owner)) WITHOUT ROWID;";

static const char fifth[] =
    // When an API key was last enabled again; covered by its `mac` once it was. What a gateway has
    // opened for the key before is over then, however short it was disabled.
    "ALTER TABLE api_keys ADD COLUMN enabled_at INTEGER;";

const char *const schema_migrations[] = {first, second, third, fourth, fifth};
const size_t schema_migration_count = COUNT_OF(schema_migrations);
