// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "https" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/https/impl/agent.ipp>
#include <sluice/https/impl/cipher_stream.ipp>
#include <sluice/https/impl/connect.ipp>
#include <sluice/https/impl/handshake.ipp>
#include <sluice/https/impl/openssl.ipp>
#include <sluice/https/impl/options.ipp>
#include <sluice/https/impl/peer_certificate.ipp>
#include <sluice/https/impl/request.ipp>
#include <sluice/https/impl/secure_context.ipp>
#include <sluice/https/impl/server.ipp>
#include <sluice/https/impl/ticket_keys.ipp>
#include <sluice/https/impl/tls_policy.ipp>
#include <sluice/https/impl/tls_session.ipp>
#include <sluice/https/impl/tls_transport.ipp>
