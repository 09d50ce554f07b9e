# A file of USERS users, each with a key, in PROJECTS projects, and CONFIGS configs of two servers.
function id(kind, n) { return sprintf("%08x-0000-4000-8000-%012x", kind, n) }
function key(n) { return sprintf("%s%06d%s", n % 2 ? "-" : "K", n, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMN") }
BEGIN {
    printf "{\"mcp_configs\":{"
    for (n = 0; n < CONFIGS; n++) {
        printf "%s\"%s\":{\"mcp_config_name\":\"config %d\",\"mcp_config\":[", n ? "," : "", id(1, n), n
        printf "{\"server_name\":\"one\",\"config\":{\"command\":\"sh\",\"args\":[\"-c\"],\"env\":{\"TOKEN\":\"t%d\"}}},", n
        printf "{\"server_name\":\"two\",\"config\":{\"url\":\"https://mcp%d.example.com/mcp\",\"headers\":{\"A\":\"b\"}}}]}", n
    }
    printf "},\n\"projects\":{"
    for (n = 0; n < PROJECTS; n++) {
        printf "%s\"%s\":{\"project_name\":\"project %d\",\"mcp_config_id\":\"%s\",\"users\":[", n ? "," : "", id(2, n), n, id(1, n % CONFIGS)
        for (u = n; u < USERS; u += PROJECTS)
            printf "%s\"%s\"", (u > n) ? "," : "", id(3, u)
        printf "],\"created_at\":\"2025-07-16T17:02:00.406902\"}\n"
    }
    printf "},\n\"users\":{"
    for (n = 0; n < USERS; n++)
        printf "%s\"%s\":{\"email\":\"user%d@example.com\",\"created_at\":\"2025-07-16T17:02:00.406902\"}\n", n ? "," : "", id(3, n), n
    printf "},\n\"apikeys\":{"
    for (n = 0; n < USERS; n++)
        printf "%s\"%s\":{\"project_id\":\"%s\",\"user_id\":\"%s\",\"created_at\":\"2025-07-16T17:02:00.406902\"%s}\n", n ? "," : "", key(n), id(2, n % PROJECTS), id(3, n), n % 10 ? "" : ",\"disabled\":true,\"disabled_at\":\"2025-08-01T00:00:00\""
    printf "}}\n"
}
