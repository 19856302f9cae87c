// Forwarded (RFC 7239) and X-Forwarded-For: reading who has passed a message on, and writing that we have.
//
// Whoever sent them may have written anything, and a client may try to hide what the proxies behind it append (an
// opening quote that swallows the next element). So reading is strict: a chain with one element that the grammar does
// not allow is malformed as a whole, and only the nearest elements are kept. Whom to believe is not decided here.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/net/address.h"
#include "proto/http/fields.h"

namespace sluice::http {

/// RFC 7239 section 6.
struct ForwardedNode {
  enum class Kind : std::uint8_t { kUnknown, kObfuscated, kAddress };
  Kind kind = Kind::kUnknown;
  IpAddress address;            ///< of kAddress
  std::string_view obfuscated;  ///< of kObfuscated, with the underscore
};
/// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "unknown", "_hidden:_port", without quotes. Nothing when it is
/// none.
[[nodiscard]] std::optional<ForwardedNode> parse_node(std::string_view text);
/// The same, and a bare IPv6 address, as X-Forwarded-For has it.
[[nodiscard]] std::optional<ForwardedNode> parse_loose_node(std::string_view text);

/// The values of one forwarded-element, without quotes; empty: not there.
struct ForwardedElement {
  std::string_view for_node;
  std::string_view by;
  std::string_view host;
  std::string_view proto;
};
/// Nothing when the grammar does not allow it: a parameter given twice, an open quote. A value with a backslash is
/// refused too: no parameter needs one.
[[nodiscard]] std::optional<ForwardedElement> parse_element(std::string_view member);

/// Who has passed the message on, the last one being the nearest to us.
class ForwardedChain {
 public:
  /// The nearest so many are kept: a chain that is longer is nobody's network.
  static constexpr std::size_t kMost = 32;

  [[nodiscard]] std::size_t size() const { return total_ < kMost ? total_ : kMost; }
  /// 0 is the farthest that was kept. Lifetime: until the Fields change.
  [[nodiscard]] const ForwardedNode& operator[](std::size_t i) const { return nodes_[(total_ - size() + i) % kMost]; }
  /// There was an element that is none; the others are not to be believed either.
  [[nodiscard]] bool malformed() const { return malformed_; }
  void add(const ForwardedNode& node) { nodes_[total_++ % kMost] = node; }
  void spoil() { malformed_ = true; }

 private:
  std::array<ForwardedNode, kMost> nodes_;
  std::size_t total_ = 0;
  bool malformed_ = false;
};
/// An element without `for` counts as unknown.
[[nodiscard]] ForwardedChain read_forwarded(const Fields& fields);
[[nodiscard]] ForwardedChain read_x_forwarded_for(const Fields& fields);

/// Appends the node as `for` and `by` write it: an IPv6 address in brackets and quotes (RFC 7239 section 6.1).
void append_node(std::string& out, const ForwardedNode& node);
/// Appends a value, quoted when it is no token.
void append_value(std::string& out, std::string_view value);

}  // namespace sluice::http
