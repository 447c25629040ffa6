// SPDX-License-Identifier: BSL-1.0
//
// A router and what people expect around it: middleware, files, forms, events. Stands on
// <sluice/http.hpp>.
#pragma once

#include <sluice/http.hpp>
#include <sluice/web/app/access_log.hpp>
#include <sluice/web/app/channel.hpp>
#include <sluice/web/app/compression.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/cookie_options.hpp>
#include <sluice/web/app/cors.hpp>
#include <sluice/web/app/event_stream.hpp>
#include <sluice/web/app/form.hpp>
#include <sluice/web/app/form_limits.hpp>
#include <sluice/web/app/form_part.hpp>
#include <sluice/web/app/health.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/metrics.hpp>
#include <sluice/web/app/next.hpp>
#include <sluice/web/app/pattern.hpp>
#include <sluice/web/app/rate_limit.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/request_id.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/router.hpp>
#include <sluice/web/app/security_headers.hpp>
#include <sluice/web/app/send_file_options.hpp>
#include <sluice/web/app/server_event.hpp>
#include <sluice/web/app/static_files.hpp>
#include <sluice/web/app/time_limit.hpp>
#include <sluice/web/app/trace_context.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/app.hpp>
#endif
