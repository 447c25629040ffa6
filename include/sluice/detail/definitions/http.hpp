// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "http" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/http/impl/agent.ipp>
#include <sluice/http/impl/agent_state.ipp>
#include <sluice/http/impl/body_decoder.ipp>
#include <sluice/http/impl/client_connection.ipp>
#include <sluice/http/impl/client_connection_input.ipp>
#include <sluice/http/impl/client_exchange.ipp>
#include <sluice/http/impl/client_exchange_end.ipp>
#include <sluice/http/impl/client_exchange_events.ipp>
#include <sluice/http/impl/client_opening.ipp>
#include <sluice/http/impl/client_request.ipp>
#include <sluice/http/impl/date.ipp>
#include <sluice/http/impl/field_line_reader.ipp>
#include <sluice/http/impl/framing.ipp>
#include <sluice/http/impl/header_store.ipp>
#include <sluice/http/impl/headers.ipp>
#include <sluice/http/impl/incoming_message.ipp>
#include <sluice/http/impl/incoming_state.ipp>
#include <sluice/http/impl/message_parser.ipp>
#include <sluice/http/impl/message_pool.ipp>
#include <sluice/http/impl/message_reader.ipp>
#include <sluice/http/impl/outgoing_message.ipp>
#include <sluice/http/impl/outgoing_state.ipp>
#include <sluice/http/impl/prepared_headers.ipp>
#include <sluice/http/impl/proxies.ipp>
#include <sluice/http/impl/request_place.ipp>
#include <sluice/http/impl/server.ipp>
#include <sluice/http/impl/server_connection.ipp>
#include <sluice/http/impl/server_connection_end.ipp>
#include <sluice/http/impl/server_connection_socket.ipp>
#include <sluice/http/impl/server_exchange.ipp>
#include <sluice/http/impl/server_response.ipp>
#include <sluice/http/impl/strictness.ipp>
#include <sluice/http/impl/target.ipp>
#include <sluice/http/impl/wanted_request.ipp>
