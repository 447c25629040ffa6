// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "app" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/web/app/impl/byte_ranges.ipp>
#include <sluice/web/app/impl/error_answer.ipp>
#include <sluice/web/app/impl/file.ipp>
#include <sluice/web/app/impl/file_pool.ipp>
#include <sluice/web/app/impl/file_sending.ipp>
#include <sluice/web/app/impl/http_date.ipp>
#include <sluice/web/app/impl/negotiation.ipp>
#include <sluice/web/app/impl/networks.ipp>
#include <sluice/web/app/impl/next.ipp>
#include <sluice/web/app/impl/pattern.ipp>
#include <sluice/web/app/impl/preconditions.ipp>
#include <sluice/web/app/impl/request.ipp>
#include <sluice/web/app/impl/response.ipp>
#include <sluice/web/app/impl/route_table.ipp>
#include <sluice/web/app/impl/route_tree.ipp>
#include <sluice/web/app/impl/router.ipp>
#include <sluice/web/app/impl/static_files.ipp>
#include <sluice/web/app/impl/target_path.ipp>
