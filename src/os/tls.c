// tls.c: see tls.h and tls_session.h. The only file that knows OpenSSL.
#include "os/tls.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/banned.h" // not before OpenSSL, which calls parameters `rand`
#include "os/tls_session.h"

struct tls {
    pthread_mutex_t lock;
    SSL_CTX *context; // replaced under the lock; its sessions keep the one they began with
    bool client;
};

struct tls_session {
    SSL *ssl;
    bool (*emit)(void *context, struct view bytes);
    void *emit_context;
    struct view input; // borrowed, or the rest of `kept`
    char *kept;        // allocated; NULL: none
    bool closed;       // the other side has been told
    const char *reason;
};

// --- bytes in and out ------------------------------------------------------------------------
static int bio_read(BIO *bio, char *into, size_t size, size_t *ret_size)
{
    struct tls_session *session = (struct tls_session *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t take = session->input.size < size ? session->input.size : size;
    if (take == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(into, session->input.data, take);
    session->input = view_skip(session->input, take);
    *ret_size = take;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t size, size_t *ret_size)
{
    struct tls_session *session = (struct tls_session *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!session->emit || !session->emit(session->emit_context, view_bytes(data, size)))
        return 0;
    *ret_size = size;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

// Never freed: sessions may outlive the struct tls they were made with. NULL: no memory.
static BIO_METHOD *method;

static void make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "view");
    if (made && BIO_meth_set_read_ex(made, bio_read) && BIO_meth_set_write_ex(made, bio_write) &&
        BIO_meth_set_ctrl(made, bio_control) && BIO_meth_set_create(made, bio_create))
        method = made;
    else
        BIO_meth_free(made);
}

// --- certificates and settings ---------------------------------------------------------------
// Why the last call of OpenSSL failed; static.
static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "the TLS connection failed";
}

static const unsigned char protocol[] = "\x08http/1.1";

static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_size,
                           const unsigned char *offered, unsigned offered_size, void *unused)
{
    unsigned char *chosen;
    (void)ssl;
    (void)unused;
    if (SSL_select_next_proto(&chosen, ret_size, protocol, sizeof protocol - 1, offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void context_free(SSL_CTX **context)
{
    SSL_CTX_free(TAKE(*context));
}

static SSL_CTX *context_new(bool client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_method);
    ERR_clear_error();
    AUTO(context_free)
    SSL_CTX *context = SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());
    if (!context || !method || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return NULL;
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets do it
    return TAKE(context);
}

// The context is taken; on an error it is the caller's still.
static bool tls_make(SSL_CTX **context, bool client, struct tls **ret_tls, struct err *err)
{
    struct tls *tls = (struct tls *)calloc(1, sizeof *tls);
    if (!tls)
        return err_memory(err);
    (void)pthread_mutex_init(&tls->lock, NULL);
    tls->context = TAKE(*context);
    tls->client = client;
    *ret_tls = tls;
    return true;
}

void tls_free(struct tls **tls)
{
    struct tls *going = TAKE(*tls);
    if (!going)
        return;
    SSL_CTX_free(going->context);
    (void)pthread_mutex_destroy(&going->lock);
    free(going);
}

// Of the errors that one call has left the first says why, the last only where.
static bool tls_error(struct err *err, const char *what, const char *path)
{
    const unsigned long first = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first)) : ERR_reason_error_string(first);
    err_set(err, ERR_USAGE, "bad_certificate", "Cannot use %s %s: %s", what, path,
            reason ? reason : "it cannot be read");
    ERR_clear_error();
    return err_hint(err, "PEM files are wanted that the gateway's user can read; a certificate and "
                         "its key belong together");
}

static bool server_context(const char *certificate, const char *key, SSL_CTX **ret_context,
                           struct err *err)
{
    AUTO(context_free) SSL_CTX *context = context_new(false);
    if (!context)
        return err_memory(err);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return tls_error(err, "the certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return tls_error(err, "the private key", key);
    *ret_context = TAKE(context);
    return true;
}

bool tls_new_server(const char *certificate, const char *key, struct tls **ret_tls, struct err *err)
{
    AUTO(context_free) SSL_CTX *context = NULL;
    return server_context(certificate, key, &context, err) &&
           tls_make(&context, false, ret_tls, err);
}

bool tls_renew_server(struct tls *tls, const char *certificate, const char *key, struct err *err)
{
    AUTO(context_free) SSL_CTX *context = NULL;
    if (!server_context(certificate, key, &context, err))
        return false;
    (void)pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    context = old;
    (void)pthread_mutex_unlock(&tls->lock);
    return true;
}

bool tls_new_client(const char *authorities, struct tls **ret_tls, struct err *err)
{
    AUTO(context_free) SSL_CTX *context = context_new(true);
    if (!context || SSL_CTX_set_alpn_protos(context, protocol, sizeof protocol - 1) != 0)
        return err_memory(err);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (authorities && SSL_CTX_load_verify_file(context, authorities) != 1)
        return tls_error(err, "the authorities", authorities);
    if (!authorities && SSL_CTX_set_default_verify_paths(context) != 1)
        return tls_error(err, "the authorities of", "this system");
    return tls_make(&context, true, ret_tls, err);
}

// --- sessions --------------------------------------------------------------------------------
// The certificate must be for `host`.
static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    if (!host || host[0] == '\0')
        return false; // else any host's would do
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)host) == 1; // the macro drops const without saying so
}

static SSL *ssl_new(struct tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    (void)pthread_mutex_unlock(&tls->lock);
    return ssl;
}

struct tls_session *tls_session_new(struct tls *tls, const char *host)
{
    ERR_clear_error();
    struct tls_session *session = (struct tls_session *)calloc(1, sizeof *session);
    BIO *bio = BIO_new(method);
    if (session)
        session->ssl = ssl_new(tls);
    if (!session || !session->ssl || !bio || (tls->client && !expect_host(session->ssl, host))) {
        BIO_free(bio);
        tls_session_free(&session);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, session);
    SSL_set_bio(session->ssl, bio, bio);
    if (tls->client)
        SSL_set_connect_state(session->ssl);
    else
        SSL_set_accept_state(session->ssl);
    return session;
}

void tls_session_free(struct tls_session **session)
{
    struct tls_session *going = TAKE(*session);
    if (!going)
        return;
    going->emit = NULL;
    SSL_free(going->ssl);
    free(going->kept);
    free(going);
}

void tls_session_output(struct tls_session *session, bool (*emit)(void *context, struct view bytes),
                        void *context)
{
    session->emit = emit;
    session->emit_context = context;
}

bool tls_session_keep(struct tls_session *session)
{
    char *keep = NULL;
    if (session->kept && session->input.size > 0)
        return true; // as it is
    if (session->input.size > 0) {
        keep = (char *)malloc(session->input.size);
        if (!keep)
            return false;
        memcpy(keep, session->input.data, session->input.size);
    }
    free(session->kept);
    session->kept = keep;
    session->input.data = keep;
    return true;
}

bool tls_session_input(struct tls_session *session, struct view bytes)
{
    if (session->input.size == 0) {
        session->input = bytes;
        free(session->kept);
        session->kept = NULL;
        return true;
    }
    if (bytes.size == 0)
        return true;
    char *all = (char *)malloc(session->input.size + bytes.size);
    if (!all)
        return false;
    memcpy(all, session->input.data, session->input.size);
    memcpy(all + session->input.size, bytes.data, bytes.size);
    free(session->kept);
    session->kept = all;
    session->input = view_bytes(all, session->input.size + bytes.size);
    return true;
}

bool tls_session_pending(const struct tls_session *session)
{
    return session->input.size > 0 || SSL_pending(session->ssl) > 0;
}

// What the result of an SSL call means.
static enum tls_step judge(struct tls_session *session, int result)
{
    long verified = SSL_get_verify_result(session->ssl);
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_OVER;
    default:
        session->reason =
            verified != X509_V_OK ? X509_verify_cert_error_string(verified) : last_reason();
        ERR_clear_error();
        return TLS_BAD;
    }
}

enum tls_step tls_session_shake(struct tls_session *session)
{
    ERR_clear_error();
    enum tls_step step = judge(session, SSL_do_handshake(session->ssl));
    if (step != TLS_OVER)
        return step;
    session->reason = "the other side ended the TLS handshake";
    return TLS_BAD;
}

enum tls_step tls_session_read(struct tls_session *session, char *into, size_t size,
                               size_t *ret_size)
{
    ERR_clear_error();
    return judge(session, SSL_read_ex(session->ssl, into, size, ret_size));
}

bool tls_session_write(struct tls_session *session, struct view bytes)
{
    while (bytes.size > 0) {
        size_t gone = 0;
        ERR_clear_error();
        if (judge(session, SSL_write_ex(session->ssl, bytes.data, bytes.size, &gone)) != TLS_DONE)
            return false;
        bytes = view_skip(bytes, gone);
    }
    return true;
}

void tls_session_close(struct tls_session *session)
{
    if (session->closed || !SSL_is_init_finished(session->ssl))
        return;
    session->closed = true;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

const char *tls_session_reason(const struct tls_session *session)
{
    return session->reason ? session->reason : "the TLS connection failed";
}
