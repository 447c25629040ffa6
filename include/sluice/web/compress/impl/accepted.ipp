// SPDX-License-Identifier: BSL-1.0
//
// Definitions of accepted.hpp.
#pragma once

#include <algorithm>
#include <sluice/web/compress/detail/accepted.hpp>
#include <sluice/web/detail/text.hpp>

namespace sluice::compress::detail {

using web::detail::forEachItem, sluice::detail::toLower, web::detail::partBefore,
    sluice::detail::equalIgnoreCase, sluice::detail::trimBlanks;

/// The weight of "0.5" in thousandths; nullopt if it is none. RFC 9110 12.4.2.
SLUICE_DECL std::optional<int> weightOf(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int step = 100;
  for (std::size_t at = 2; at < text.size(); ++at, step /= 10) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    weight += (text[at] - '0') * step;
  }
  if (weight > 1000) return std::nullopt;
  return weight;
}

SLUICE_DECL std::optional<Coding> codingNamed(std::string_view name) {
  // RFC 9110 8.4.1.3: x-gzip is another name of gzip.
  if (equalIgnoreCase(name, "x-gzip")) return Coding::gzip;
  for (const Coding coding :
       {Coding::identity, Coding::gzip, Coding::deflate, Coding::br, Coding::zstd}) {
    if (equalIgnoreCase(name, codingName(coding))) return coding;
  }
  return std::nullopt;
}

SLUICE_DECL void Accepted::add(std::string_view line) {
  forEachItem(line, [this](std::string_view item) {
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = partBefore(item, ";");
    std::optional<int> weight = 1000;
    if (semicolon != item.size()) {
      const std::string_view parameter = trimBlanks(item.substr(semicolon + 1));
      // What is no weight makes the item mean nothing.
      const bool isWeight =
          parameter.size() > 2 && toLower(parameter[0]) == 'q' && parameter[1] == '=';
      weight = isWeight ? weightOf(parameter.substr(2)) : std::nullopt;
    }
    if (!weight) return;
    if (name == "*") {
      others_ = *weight;
    } else if (const auto coding = codingNamed(name)) {
      weights_[static_cast<std::size_t>(*coding)] = *weight;
    }
  });
}

SLUICE_DECL int Accepted::weight(Coding coding) const {
  const int own = weights_[static_cast<std::size_t>(coding)];
  if (own != unset) return own;
  if (others_ != unset) return others_;
  return unset;
}

SLUICE_DECL std::optional<Coding> Accepted::choose(std::span<const Coding> from) const {
  std::optional<Coding> best;
  int most = 0;
  for (const Coding coding : from) {
    if (weight(coding) <= most) continue;
    most = weight(coding);
    best = coding;
  }
  // Not being named, identity is as good as nothing else, but good enough.
  const int plain = weights_[static_cast<std::size_t>(Coding::identity)];
  if (plain > most || (!best && !refusesIdentity())) return Coding::identity;
  return best;
}

SLUICE_DECL bool isCompressible(std::string_view contentType) {
  const std::string_view type = partBefore(contentType, ";");
  const auto startsWith = [type](std::string_view prefix) {
    return type.size() >= prefix.size() && equalIgnoreCase(type.substr(0, prefix.size()), prefix);
  };
  const auto endsWith = [type](std::string_view suffix) {
    return type.size() >= suffix.size() &&
           equalIgnoreCase(type.substr(type.size() - suffix.size()), suffix);
  };
  if (startsWith("text/") || endsWith("+json") || endsWith("+xml") || endsWith("+text"))
    return true;
  constexpr std::string_view types[] = {
      "application/json",
      "application/javascript",
      "application/x-javascript",
      "application/ecmascript",
      "application/xml",
      "application/wasm",
      "application/graphql",
      "application/x-ndjson",
      "application/jsonlines",
      "application/json5",
      "application/rtf",
      "application/sql",
      "application/toml",
      "application/yaml",
      "application/x-yaml",
      "application/x-sh",
      "application/x-tar",
      "application/x-www-form-urlencoded",
      "application/vnd.ms-fontobject",
      "application/x-font-ttf",
      "font/collection",
      "font/otf",
      "font/sfnt",
      "font/ttf",
      "image/bmp",
      "image/vnd.microsoft.icon",
      "image/x-icon",
  };
  return std::any_of(std::begin(types), std::end(types),
                     [type](std::string_view known) { return equalIgnoreCase(type, known); });
}

}  // namespace sluice::compress::detail
