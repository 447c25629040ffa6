// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/route_tree.hpp>.
#pragma once

#include <algorithm>
#include <sluice/web/app/detail/route_tree.hpp>
#include <utility>

namespace sluice::app::detail {

SLUICE_DECL std::size_t RouteTree::add(const PatternTokens& tokens, std::size_t number) {
  const auto asCompared = [this](std::string text) {
    for (char& letter : text) letter = caseSensitive_ ? letter : sluice::detail::toLower(letter);
    return text;
  };
  Node* node = &root_;
  std::vector<Rule> rules;
  std::size_t index = 0;
  for (const PatternToken& token : tokens) {
    if (token.kind == PatternToken::Kind::text) {
      node = &insert(*node, asCompared(token.value));
      continue;
    }
    if (!token.without.empty()) rules.push_back({index, asCompared(token.without), token.unless});
    ++index;
    auto& next = token.kind == PatternToken::Kind::param ? node->param : node->wildcard;
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  if (node->number == none) {
    node->number = number;
    node->rules = std::move(rules);
  }
  return node->number;
}

SLUICE_DECL RouteTree::Node& RouteTree::insert(Node& node, std::string_view text) {
  if (text.empty()) return node;
  const std::size_t index = node.firsts.find(text.front());
  if (index == std::string::npos) {
    node.firsts += text.front();
    Node& child = *node.children.emplace_back(std::make_unique<Node>());
    child.text = text;
    return child;
  }
  Node& child = *node.children[index];
  const auto differ = std::mismatch(child.text.begin(), child.text.end(), text.begin(), text.end());
  const auto common = static_cast<std::size_t>(differ.first - child.text.begin());
  if (common < child.text.size()) {
    // The child is cut in two.
    auto upper = std::make_unique<Node>();
    upper->text = child.text.substr(0, common);
    child.text.erase(0, common);
    upper->firsts = child.text.front();
    upper->children.push_back(std::move(node.children[index]));
    node.children[index] = std::move(upper);
  }
  return insert(*node.children[index], text.substr(common));
}

}  // namespace sluice::app::detail
