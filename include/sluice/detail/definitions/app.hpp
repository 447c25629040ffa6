// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "app" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/web/app/impl/access_log.ipp>
#include <sluice/web/app/impl/byte_ranges.ipp>
#include <sluice/web/app/impl/channel.ipp>
#include <sluice/web/app/impl/cookie_line.ipp>
#include <sluice/web/app/impl/cors.ipp>
#include <sluice/web/app/impl/error_answer.ipp>
#include <sluice/web/app/impl/event_stream.ipp>
#include <sluice/web/app/impl/file.ipp>
#include <sluice/web/app/impl/file_pool.ipp>
#include <sluice/web/app/impl/file_sending.ipp>
#include <sluice/web/app/impl/form.ipp>
#include <sluice/web/app/impl/form_part.ipp>
#include <sluice/web/app/impl/health.ipp>
#include <sluice/web/app/impl/http_date.ipp>
#include <sluice/web/app/impl/line_writer.ipp>
#include <sluice/web/app/impl/metrics.ipp>
#include <sluice/web/app/impl/mount_table.ipp>
#include <sluice/web/app/impl/multipart_parser.ipp>
#include <sluice/web/app/impl/multipart_reader.ipp>
#include <sluice/web/app/impl/negotiation.ipp>
#include <sluice/web/app/impl/networks.ipp>
#include <sluice/web/app/impl/next.ipp>
#include <sluice/web/app/impl/pattern.ipp>
#include <sluice/web/app/impl/preconditions.ipp>
#include <sluice/web/app/impl/rate_limit.ipp>
#include <sluice/web/app/impl/request.ipp>
#include <sluice/web/app/impl/request_id.ipp>
#include <sluice/web/app/impl/response.ipp>
#include <sluice/web/app/impl/route_table.ipp>
#include <sluice/web/app/impl/route_table_building.ipp>
#include <sluice/web/app/impl/route_tree.ipp>
#include <sluice/web/app/impl/router.ipp>
#include <sluice/web/app/impl/security_headers.ipp>
#include <sluice/web/app/impl/static_files.ipp>
#include <sluice/web/app/impl/target_path.ipp>
#include <sluice/web/app/impl/time_limit.ipp>
#include <sluice/web/app/impl/trace_context.ipp>
#include <sluice/web/app/impl/windows_name.ipp>
