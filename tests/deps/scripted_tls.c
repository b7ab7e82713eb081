// SPDX-License-Identifier: MIT
#include "deps/scripted_tls.h"

#include "support/check.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

typedef struct signer {
    X509 *certificate;
    EVP_PKEY *key;
} signer;

static signer authorities[2]; // the one that signs, and another

static void add(X509 *to, X509 *by, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, by, to, NULL, NULL, 0);
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, &context, kind, value);
    CHECK(extension != NULL);
    CHECK(X509_add_ext(to, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

// by NULL: itself.
static signer make(const char *title, const scripted_certificate *what,
                   const signer *by) {
    static long serial;
    signer self = {X509_new(), EVP_EC_gen("P-256")};
    CHECK(self.certificate != NULL && self.key != NULL);
    X509 *made = self.certificate;
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), what->from_day * 86400);
    X509_gmtime_adj(X509_getm_notAfter(made), what->until_day * 86400);
    X509_set_pubkey(made, self.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)title, -1, -1, 0);
    const signer *parent = by == NULL ? &self : by;
    X509_set_issuer_name(made, X509_get_subject_name(parent->certificate));
    if (what->name != NULL)
        add(made, parent->certificate, NID_subject_alt_name, what->name);
    else
        add(made, parent->certificate, NID_basic_constraints, "CA:TRUE");
    CHECK(X509_sign(made, parent->key, EVP_sha256()) > 0);
    return self;
}

static void free_signer(signer *self) {
    X509_free(self->certificate);
    EVP_PKEY_free(self->key);
}

static const signer *authority(bool of_another) {
    static const scripted_certificate what = {NULL, -1, 1, false};
    signer *self = &authorities[of_another];
    if (self->certificate == NULL)
        *self = make(of_another ? "another" : "authority", &what, NULL);
    return self;
}

char *scripted_tls_authority(bool of_another) {
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_X509(bio, authority(of_another)->certificate) == 1);
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)size);
    CHECK(copy != NULL);
    BIO_free(bio);
    return copy;
}

static bool greet(scripted_peer *peer) {
    SSL *tls = SSL_new(peer->server->secret);
    peer->tls = tls;
    SSL_set_fd(tls, peer->fd);
    return SSL_accept(tls) == 1;
}

static ssize_t take(scripted_peer *peer, void *bytes, size_t size) {
    return SSL_read(peer->tls, bytes, (int)size);
}

static ssize_t give(scripted_peer *peer, const void *bytes, size_t size) {
    return SSL_write(peer->tls, bytes, (int)size);
}

// No close_notify, as of a connection that is cut.
static void part(scripted_peer *peer) { SSL_free(peer->tls); }

void scripted_tls_start(scripted *server, const scripted_certificate *what) {
    SSL_CTX *secret = SSL_CTX_new(TLS_server_method());
    CHECK(secret != NULL);
    signer self =
        make("server", what, what->by_authority ? authority(false) : NULL);
    CHECK(SSL_CTX_use_certificate(secret, self.certificate) == 1);
    CHECK(SSL_CTX_use_PrivateKey(secret, self.key) == 1);
    free_signer(&self);
    server->secret = secret;
    server->greet = greet;
    server->take = take;
    server->give = give;
    server->part = part;
}

void scripted_tls_stop(scripted *server) {
    SSL_CTX_free(server->secret);
    for (int i = 0; i < 2; i++) {
        free_signer(&authorities[i]);
        authorities[i] = (signer){NULL, NULL};
    }
}
