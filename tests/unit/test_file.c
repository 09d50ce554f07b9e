// test_file.c: whole files, read bounded and replaced so that the old or the new one stands.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_replace.h"

static char folder[] = "/tmp/test_file.XXXXXX";
static struct err err;

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static size_t count_entries(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static void assert_content(const char *path, struct view content)
{
    struct buf buf;
    buf_init(&buf, 1 << 20);
    assert_true(file_read(path, &buf, NULL, &err));
    assert_true(view_equal(buf_view(&buf), content));
    buf_done(&buf);
}

static void reads_within_bounds(void **state)
{
    (void)state;
    char content[40000];
    struct buf buf;
    struct stat status;
    const char *path = path_of("read");
    memset(content, 'x', sizeof content);
    assert_true(file_replace(path, view_bytes(content, sizeof content), &err));

    buf_init(&buf, sizeof content);
    assert_true(file_read(path, &buf, &status, &err));
    assert_true(view_equal(buf_view(&buf), view_bytes(content, sizeof content)));
    assert_int_equal(status.st_size, sizeof content);
    buf_done(&buf);

    buf_init(&buf, sizeof content - 1);
    assert_false(file_read(path, &buf, &status, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.code, "file_too_large");
    buf_done(&buf);

    // Told by its size, before it is read: this one holds a terabyte of nothing.
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    buf_init(&buf, (size_t)1 << 30);
    assert_false(file_read(path, &buf, &status, &err));
    assert_string_equal(err.code, "file_too_large");
    assert_int_equal(buf.capacity, 0);
    buf_done(&buf);

    buf_init(&buf, 1000); // an endless one
    assert_false(file_read("/dev/zero", &buf, NULL, &err));
    assert_string_equal(err.code, "file_too_large");
    buf_done(&buf);
    assert_int_equal(unlink(path), 0);
}

static void tells_why_it_cannot_read(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_false(file_read(path_of("missing"), &buf, NULL, &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_non_null(strstr(err.message, "No such file"));
    assert_false(file_read(folder, &buf, NULL, &err));
    assert_int_equal(err.kind, ERR_IO);
    buf_done(&buf);
}

static void reads_standard_input(void **state)
{
    (void)state;
    struct buf buf;
    int ends[2], saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(file_write_all(ends[1], VIEW("from a pipe")));
    descriptor_close(&ends[1]);
    assert_int_equal(ends[1], -1);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    buf_init(&buf, 1000);
    assert_true(file_read("-", &buf, NULL, &err));
    assert_true(view_is(buf_view(&buf), "from a pipe"));
    buf_done(&buf);
    assert_true(dup2(saved, STDIN_FILENO) >= 0);
    descriptor_close(&ends[0]);
    descriptor_close(&saved);
}

static void replaces(void **state)
{
    (void)state;
    struct stat status;
    const char *path = path_of("replaced");
    mode_t mask = umask(0);
    assert_true(file_replace(path, VIEW("old"), &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(file_replace(path, VIEW("new content"), &err));
    assert_content(path, VIEW("new content"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(file_replace(path, (struct view){NULL, 0}, &err));
    assert_content(path, VIEW(""));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
    (void)umask(mask);
}

static void keeps_the_old_when_the_disk_is_full(void **state)
{
    (void)state;
    static char content[200000];
    struct rlimit limit, small;
    const char *path = path_of("kept");
    assert_true(file_replace(path, VIEW("old"), &err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool replaced = file_replace(path, view_bytes(content, sizeof content), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(replaced);
    assert_int_equal(err.kind, ERR_IO);
    assert_content(path, VIEW("old"));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

static void refuses_bad_places(void **state)
{
    (void)state;
    char path[2 * LIMIT_PATH];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_false(file_replace(path, VIEW("x"), &err));
    assert_string_equal(err.code, "path_too_long");
    assert_false(file_replace(path_of("no/such/folder"), VIEW("x"), &err));
    assert_int_equal(err.kind, ERR_IO);
    // What is no regular file must not be replaced by one.
    assert_false(file_replace(folder, VIEW("x"), &err));
    assert_string_equal(err.code, "not_a_file");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_false(file_replace(path_of("fifo"), VIEW("x"), &err));
    assert_string_equal(err.code, "not_a_file");
    assert_int_equal(unlink(path_of("fifo")), 0);
    assert_int_equal(count_entries(), 0);
}

static void drafts(void **state)
{
    (void)state;
    struct file_draft draft;
    const char *path = path_of("draft");
    assert_true(file_draft_open(&draft, path, &err));
    assert_true(file_write_all(draft.descriptor, VIEW("content")));
    assert_int_not_equal(access(path, F_OK), 0);
    file_draft_drop(&draft);
    file_draft_drop(&draft);
    assert_int_equal(count_entries(), 0);
    assert_true(file_draft_open(&draft, path, &err));
    assert_true(file_write_all(draft.descriptor, VIEW("content")));
    assert_true(file_draft_commit(&draft, &err));
    file_draft_drop(&draft);
    assert_content(path, VIEW("content"));
    assert_int_equal(unlink(path), 0);
}

// A file that came in between stays as it is.
static void a_new_file_is_written_over_nothing(void **state)
{
    (void)state;
    struct file_draft draft;
    const char *path = path_of("new");
    assert_true(file_draft_open(&draft, path, &err));
    draft.is_new = true;
    assert_true(file_write_all(draft.descriptor, VIEW("draft")));
    assert_true(file_replace(path, VIEW("other"), &err));
    assert_false(file_draft_commit(&draft, &err));
    assert_string_equal(err.code, "file_exists");
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_content(path, VIEW("other"));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
    assert_true(file_draft_open(&draft, path, &err));
    draft.is_new = true;
    assert_true(file_write_all(draft.descriptor, VIEW("draft")));
    assert_true(file_draft_commit(&draft, &err));
    assert_content(path, VIEW("draft"));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

// Four writers at once: every reader sees one writer's whole content.
static void writers_do_not_mix(void **state)
{
    (void)state;
    static char content[50000];
    pid_t writers[4];
    char path[200];
    (void)snprintf(path, sizeof path, "%s", path_of("shared"));
    assert_true(file_replace(path, view_bytes(content, sizeof content), &err));
    for (int w = 0; w < 4; w++) {
        writers[w] = fork();
        assert_true(writers[w] >= 0);
        if (writers[w] == 0) {
            bool done = true;
            memset(content, 'a' + w, sizeof content);
            for (int i = 0; i < 50; i++)
                done = file_replace(path, view_bytes(content, sizeof content), &err) && done;
            _exit(!done);
        }
    }
    int status, running = 4;
    while (running > 0) {
        struct buf buf;
        buf_init(&buf, 1 << 20);
        assert_true(file_read(path, &buf, NULL, &err));
        assert_int_equal(buf.size, sizeof content);
        for (size_t i = 1; i < buf.size; i++)
            assert_true(buf.data[i] == buf.data[0]);
        buf_done(&buf);
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; running--)
            assert_int_equal(status, 0);
    }
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

static void creates_folders(void **state)
{
    (void)state;
    struct stat status;
    char path[300], long_path[LIMIT_PATH + 10];
    mode_t mask = umask(0);
    (void)snprintf(path, sizeof path, "%s", path_of("a//b/c"));
    assert_true(folder_create(path, &err));
    assert_true(folder_create(path, &err));
    assert_int_equal(stat(path_of("a"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_true(folder_sync(path, &err));
    assert_false(folder_sync(path_of("missing"), &err));
    assert_true(file_replace(path_of("file"), VIEW("x"), &err));
    assert_false(folder_create(path_of("file/below"), &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_false(folder_create("", &err));
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_false(folder_create(long_path, &err));
    (void)umask(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_within_bounds),
        cmocka_unit_test(tells_why_it_cannot_read),
        cmocka_unit_test(reads_standard_input),
        cmocka_unit_test(replaces),
        cmocka_unit_test(keeps_the_old_when_the_disk_is_full),
        cmocka_unit_test(refuses_bad_places),
        cmocka_unit_test(drafts),
        cmocka_unit_test(a_new_file_is_written_over_nothing),
        cmocka_unit_test(writers_do_not_mix),
        cmocka_unit_test(creates_folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
