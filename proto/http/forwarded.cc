// See forwarded.h.
#include "proto/http/forwarded.h"

#include <algorithm>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {

// "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
bool is_obfuscated(std::string_view text) {
  const auto good = [](char c) {
    const char small = to_lower(c);
    return (small >= 'a' && small <= 'z') || is_digit(c) || c == '.' || c == '_' || c == '-';
  };
  return text.size() > 1 && text.front() == '_' && std::ranges::all_of(text, good);
}

bool is_node_port(std::string_view text) {
  return parse_port(text).has_value() || is_obfuscated(text);
}

std::optional<ForwardedNode> address_node(std::string_view text, IpAddress::Family family) {
  const Result<IpAddress> address = IpAddress::parse(text);
  if (!address || address->family() != family) return std::nullopt;
  return ForwardedNode{.kind = ForwardedNode::Kind::kAddress, .address = address->unmapped(), .obfuscated = {}};
}

std::optional<ForwardedNode> named_node(std::string_view name) {
  if (equal_ignore_case(name, "unknown")) return ForwardedNode{};
  if (is_obfuscated(name))
    return ForwardedNode{.kind = ForwardedNode::Kind::kObfuscated, .address = {}, .obfuscated = name};
  return address_node(name, IpAddress::Family::kV4);
}

// Cuts the text up to `mark` off, or all of it.
std::string_view cut(std::string_view& rest, char mark) {
  const std::size_t at = rest.find(mark);
  const std::string_view part = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

// token / quoted-string at the beginning of `rest`, which begins behind it afterwards.
std::optional<std::string_view> take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) {
    const auto end = std::ranges::find_if_not(rest, is_token_byte);
    const auto size = static_cast<std::size_t>(end - rest.begin());
    const std::string_view value = rest.substr(0, size);
    rest.remove_prefix(size);
    if (value.empty()) return std::nullopt;
    return value;
  }
  const std::size_t end = rest.find_first_of("\"\\", 1);
  if (end == rest.npos || rest[end] == '\\') return std::nullopt;
  const std::string_view value = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return value;
}

std::string_view* place_of(ForwardedElement& element, std::string_view name) {
  if (equal_ignore_case(name, "for")) return &element.for_node;
  if (equal_ignore_case(name, "by")) return &element.by;
  if (equal_ignore_case(name, "host")) return &element.host;
  if (equal_ignore_case(name, "proto")) return &element.proto;
  return nullptr;
}

}  // namespace

std::optional<ForwardedNode> parse_node(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_node_port(rest.substr(1)))) return std::nullopt;
    return address_node(text.substr(1, end - 1), IpAddress::Family::kV6);
  }
  const std::size_t colon = text.find(':');
  if (colon != text.npos && !is_node_port(text.substr(colon + 1))) return std::nullopt;
  return named_node(text.substr(0, colon));
}

std::optional<ForwardedNode> parse_loose_node(std::string_view text) {
  if (std::ranges::count(text, ':') > 1 && !text.starts_with('[')) return address_node(text, IpAddress::Family::kV6);
  return parse_node(text);
}

std::optional<ForwardedElement> parse_element(std::string_view member) {
  ForwardedElement element;
  std::string_view rest = member;
  while (!rest.empty()) {
    if (rest.starts_with(';')) {  // a pair may be empty
      rest.remove_prefix(1);
      continue;
    }
    const std::size_t equals = rest.find('=');
    const std::string_view name = cut(rest, '=');
    if (equals == rest.npos || !is_token(name)) return std::nullopt;
    const std::optional<std::string_view> value = take_value(rest);
    if (!value || !(rest.empty() || rest.front() == ';')) return std::nullopt;
    if (std::string_view* place = place_of(element, name); place != nullptr) {
      if (place->data() != nullptr) return std::nullopt;
      *place = *value;
    }
  }
  return element;
}

ForwardedChain read_forwarded(const Fields& fields) {
  ForwardedChain chain;
  for (const std::string_view member : fields.members(FieldId::kForwarded)) {
    const std::optional<ForwardedElement> element = parse_element(member);
    const std::optional<ForwardedNode> node = !element                              ? std::nullopt
                                              : element->for_node.data() == nullptr ? ForwardedNode{}
                                                                                    : parse_node(element->for_node);
    if (!node) {
      chain.spoil();
      continue;
    }
    chain.add(*node);
  }
  return chain;
}

ForwardedChain read_x_forwarded_for(const Fields& fields) {
  ForwardedChain chain;
  for (const std::string_view member : fields.members(FieldId::kXForwardedFor)) {
    if (const std::optional<ForwardedNode> node = parse_loose_node(member)) {
      chain.add(*node);
    } else {
      chain.spoil();
    }
  }
  return chain;
}

void append_value(std::string& out, std::string_view value) {
  if (is_token(value)) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_forbidden_control(c) ? '?' : c;
  }
  out += '"';
}

void append_node(std::string& out, const ForwardedNode& node) {
  switch (node.kind) {
    case ForwardedNode::Kind::kUnknown:
      out += "unknown";
      return;
    case ForwardedNode::Kind::kObfuscated:
      append_value(out, node.obfuscated);
      return;
    case ForwardedNode::Kind::kAddress:
      if (node.address.is_v4()) {
        out += node.address.text();
      } else {
        ((out += "\"[") += node.address.text()) += "]\"";
      }
      return;
  }
}

}  // namespace sluice::http
