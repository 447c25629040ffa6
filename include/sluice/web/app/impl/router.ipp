// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/router.hpp>.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/app/router.hpp>

namespace sluice::app {

SLUICE_DECL Router::Router(RouterOptions options)
    : table_(std::make_shared<detail::RouteTable>(options.caseSensitive)) {}

SLUICE_DECL void Router::addRoute(std::string_view method, const Pattern& pattern,
                                  detail::Handlers handlers) {
  table_->addRoute(method, pattern, std::move(handlers));
}

SLUICE_DECL void Router::addMiddleware(const Pattern* prefix, detail::Handlers handlers) {
  table_->addMiddleware(prefix, std::move(handlers));
}

SLUICE_DECL void Router::mount(const Pattern* prefix, const std::vector<Router>& others) {
  std::vector<detail::RouteTable*> tables;
  for (const Router& other : others) {
    if (other.table_ == table_) {
      throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                        "use(): a router cannot be mounted in itself");
    }
    tables.push_back(other.table_.get());
  }
  table_->mount(prefix, tables);
}

SLUICE_DECL void Router::addErrorHandler(detail::ErrorHandler handler) {
  table_->addErrorHandler(std::move(handler));
}

SLUICE_DECL Router& Router::trustProxy(std::vector<std::string> networks) {
  table_->trust(detail::Networks(networks));
  return *this;
}

SLUICE_DECL task<> Router::operator()(Request& req, Response& res) const {
  return detail::RouteTable::run(table_, req, res);
}

}  // namespace sluice::app
