// SPDX-License-Identifier: MIT
// Why a transfer failed, in npm's words: its code, one line, and whether it may
// be tried again.
#include "programs/deps/web_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// wr_web_shown leaves out names and passwords, and the query, in which signed
// URLs have their secret.
const char *wr_web_shown(const char *url, char *out, size_t size) {
    const char *scheme = strstr(url, "://");
    const char *host = scheme == NULL ? url : scheme + 3;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    const char *shown = at == NULL ? host : at + 1;
    snprintf(out, size, "%.*s%.*s", (int)(host - url), url,
             (int)strcspn(shown, "?#"), shown);
    return out;
}

// ---- TLS -------------------------------------------------------------------

// OpenSSL's verdicts by node's names (X509_V_ERR_*). 1 is what curl leaves
// there when it looked at the name first, and it was another's.
static const char *verdict(long result) {
    switch (result) {
    case 0:
    case 1: return "ERR_TLS_CERT_ALTNAME_INVALID";
    case 2: return "UNABLE_TO_GET_ISSUER_CERT";
    case 7: return "CERT_SIGNATURE_FAILURE";
    case 9: return "CERT_NOT_YET_VALID";
    case 10: return "CERT_HAS_EXPIRED";
    case 18: return "DEPTH_ZERO_SELF_SIGNED_CERT";
    case 19: return "SELF_SIGNED_CERT_IN_CHAIN";
    case 20: return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
    case 21: return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
    case 23: return "CERT_REVOKED";
    default: return "CERT_UNTRUSTED";
    }
}

static const char *verdict_text(long result) {
    switch (result) {
    case 0:
    case 1: return "its certificate is for another name";
    case 9: return "its certificate is not valid yet";
    case 10: return "its certificate has expired";
    case 18:
    case 19: return "its certificate is self-signed (see cafile, strict-ssl)";
    case 2:
    case 20:
    case 21: return "its certificate's issuer is unknown (see cafile)";
    case 23: return "its certificate was revoked";
    default: return "its certificate cannot be trusted";
    }
}

// ---- the system ------------------------------------------------------------

static const char *errno_code(long error) {
    switch (error) {
    case ECONNREFUSED: return "ECONNREFUSED";
    case EHOSTUNREACH: return "EHOSTUNREACH";
    case ENETUNREACH: return "ENETUNREACH";
    case ETIMEDOUT: return "ETIMEDOUT";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EMFILE: return "EMFILE";
    case EPIPE: return "EPIPE";
    default: return "ECONNRESET";
    }
}

typedef struct cause {
    int status;
    const char *code;
    const char *text;
} cause;

static cause connect_cause(long error) {
    const char *text = "could not connect";
    switch (error) {
    case ECONNREFUSED: text = "connection refused"; break;
    case EHOSTUNREACH: text = "no route to the host"; break;
    case ENETUNREACH: text = "the network is unreachable"; break;
    case ETIMEDOUT: text = "no connection in time"; break;
    default: break;
    }
    return (cause){-EAGAIN, error == 0 ? "ECONNREFUSED" : errno_code(error),
                   text};
}

static cause tls_cause(wr_web_transfer *transfer, CURLcode code) {
    long system = 0, result = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &system);
    curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return (cause){-EACCES, verdict(result), verdict_text(result)};
    if (code != CURLE_SSL_CONNECT_ERROR)
        return (cause){-EACCES, "ECERT", "TLS cannot be set up"};
    // A handshake that was cut off may succeed next time.
    if (system != 0 || strstr(transfer->error, "SYSCALL") != NULL ||
        strstr(transfer->error, "unexpected eof") != NULL)
        return (cause){-EAGAIN, "ECONNRESET",
                       "the connection was reset in the TLS handshake"};
    return (cause){-EACCES, "EPROTO", "no TLS handshake"};
}

static cause proxy_cause(long answer) {
    if (answer == 407)
        return (cause){-EACCES, "EPROXY", "the proxy wants a password"};
    if (answer >= 500)
        return (cause){-EAGAIN, "ECONNRESET", "the proxy cannot reach it"};
    return (cause){-EPROTO, "EPROXY", "the proxy refuses"};
}

static cause receive_cause(wr_web_transfer *transfer) {
    long proxy = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
    if (proxy >= 300)
        return proxy_cause(proxy);
    // curl has one code for broken chunks and for broken connections.
    if (strstr(transfer->error, "chunk") != NULL)
        return (cause){-EPROTO, "EPROTO", "broken chunks"};
    return (cause){-EAGAIN, "ECONNRESET",
                   transfer->headers_seen == 0
                       ? "the connection was reset before an answer"
                       : "the connection was reset amid the answer"};
}

static cause cause_of(wr_web_transfer *transfer, CURLcode code) {
    long system = 0;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return (cause){-EAGAIN, "ENOTFOUND", "the host was not found"};
    case CURLE_COULDNT_RESOLVE_PROXY:
        return (cause){-EAGAIN, "ENOTFOUND", "the proxy was not found"};
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &system);
        return connect_cause(system);
    case CURLE_OPERATION_TIMEDOUT: return connect_cause(ETIMEDOUT);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PROXY: return receive_cause(transfer);
    case CURLE_PARTIAL_FILE:
        return (cause){-EAGAIN, "ECONNRESET", "the answer is cut short"};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return tls_cause(transfer, code);
    case CURLE_OUT_OF_MEMORY:
        curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &system);
        if (system == 0 || transfer->over)
            return (cause){-ENOMEM, "ENOMEM", "out of memory"};
        // curl's word for a header longer than it takes, too.
        return (cause){-EPROTO, "EPROTO", "a header without an end"};
    case CURLE_URL_MALFORMAT:
        return (cause){-EPROTO, "EINVALIDURL", "no valid URL"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return (cause){-EPROTO, "EPROTO", "no HTTP"};
    default: return (cause){-EPROTO, "EPROTO", curl_easy_strerror(code)};
    }
}

int wr_web_explain(wr_web_transfer *transfer, CURLcode code) {
    if (transfer->failed != 0)
        return transfer->failed; // said already
    wr_web_request *request = transfer->request;
    char shown[256];
    cause why = cause_of(transfer, code);
    wr_web_shown(wr_web_url(request), shown, sizeof(shown));
    if (code == CURLE_PARTIAL_FILE && transfer->length >= 0)
        return wr_refuse(&request->why, why.status, why.code,
                         "%s: the answer ended after %zu of %lld bytes", shown,
                         transfer->body_seen, (long long)transfer->length);
    return wr_refuse(&request->why, why.status, why.code, "%s: %s", shown,
                     why.text);
}
