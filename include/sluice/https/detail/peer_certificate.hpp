// SPDX-License-Identifier: BSL-1.0
//
// What is in a certificate: for people to read, and whom it is for.
#pragma once

#include <openssl/x509v3.h>
#include <sluice/https/detail/openssl.hpp>
#include <sluice/net/tls_info.hpp>
#include <string>
#include <string_view>

namespace sluice::https::detail {

// RFC 9525 §6: the subject's common name counts no more, and "*" is a whole label, the left-most.
inline constexpr unsigned identityFlags =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

net::PeerCertificate describe(X509* certificate);

/// Whether it is one host's name: no domain with a leading dot, no wildcard, and without a NUL.
bool isHostName(std::string_view identity);

/// Whether it is for this host name or address.
bool names(X509* certificate, const std::string& identity);

/// The error if it is not, in Node's words.
http::Error doesNotName(const X509* certificate, const std::string& identity);

}  // namespace sluice::https::detail
