// SPDX-License-Identifier: BSL-1.0
//
// Every definition that is not a template, for programs that compile separately: they define
// SLUICE_SEPARATE_COMPILATION for all files and include this header in exactly one, alone, or after
// <sluice/https.hpp> if the program uses TLS:
//
//     #include <sluice/https.hpp>
//     #include <sluice/src.hpp>
//
// Header-only programs do not need it.
#pragma once

#include <sluice/config.hpp>
#include <sluice/http/impl/agent.ipp>
#include <sluice/http/impl/body_decoder.ipp>
#include <sluice/http/impl/client_connection.ipp>
#include <sluice/http/impl/client_exchange.ipp>
#include <sluice/http/impl/client_request.ipp>
#include <sluice/http/impl/date.ipp>
#include <sluice/http/impl/field_line_reader.ipp>
#include <sluice/http/impl/framing.ipp>
#include <sluice/http/impl/header_store.ipp>
#include <sluice/http/impl/headers.ipp>
#include <sluice/http/impl/incoming_message.ipp>
#include <sluice/http/impl/incoming_state.ipp>
#include <sluice/http/impl/message_parser.ipp>
#include <sluice/http/impl/message_reader.ipp>
#include <sluice/http/impl/outgoing_message.ipp>
#include <sluice/http/impl/outgoing_state.ipp>
#include <sluice/http/impl/request_place.ipp>
#include <sluice/http/impl/server.ipp>
#include <sluice/http/impl/server_connection.ipp>
#include <sluice/http/impl/server_exchange.ipp>
#include <sluice/http/impl/server_response.ipp>
#include <sluice/http/impl/strictness.ipp>
#include <sluice/http/impl/url.ipp>
#include <sluice/http/impl/wanted_request.ipp>
#include <sluice/impl/encoding.ipp>
#include <sluice/impl/error.ipp>
#include <sluice/impl/event_emitter.ipp>
#include <sluice/impl/post.ipp>
#include <sluice/impl/spawn.ipp>
#include <sluice/impl/task.ipp>
#include <sluice/impl/write_result.ipp>
#include <sluice/net/impl/cluster.ipp>
#include <sluice/net/impl/connect.ipp>
#include <sluice/net/impl/listener.ipp>
#include <sluice/net/impl/loop.ipp>
#include <sluice/net/impl/output_stream.ipp>
#include <sluice/net/impl/poller.ipp>
#include <sluice/net/impl/server.ipp>
#include <sluice/net/impl/server_core.ipp>
#include <sluice/net/impl/socket.ipp>
#include <sluice/net/impl/socket_core.ipp>
#include <sluice/net/impl/stream_transport.ipp>
#include <sluice/net/impl/system_socket.ipp>

#if defined(SLUICE_HAS_HTTPS)
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
#include <sluice/https/impl/tls_policy.ipp>
#include <sluice/https/impl/tls_session.ipp>
#include <sluice/https/impl/tls_transport.ipp>
#endif

#if defined(SLUICE_HAS_APP)
#include <sluice/web/app/impl/error_answer.ipp>
#include <sluice/web/app/impl/http_date.ipp>
#include <sluice/web/app/impl/negotiation.ipp>
#include <sluice/web/app/impl/networks.ipp>
#include <sluice/web/app/impl/next.ipp>
#include <sluice/web/app/impl/pattern.ipp>
#include <sluice/web/app/impl/request.ipp>
#include <sluice/web/app/impl/response.ipp>
#include <sluice/web/app/impl/route_table.ipp>
#include <sluice/web/app/impl/route_tree.ipp>
#include <sluice/web/app/impl/router.ipp>
#include <sluice/web/app/impl/target_path.ipp>
#endif

#define SLUICE_HAS_SRC
