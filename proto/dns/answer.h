// Reading a DNS answer: one whole message in, the addresses of one name and one type out (RFC 1035 section 4).
//
// The idea: nothing is taken from a message that was not asked for. The question must be echoed, the chain of CNAMEs is
// followed from the name that was asked (and only that far), records of other owners are ignored, and names are
// compared as labels, so that a label with a dot inside is not two labels. Names are bounded, compression pointers only
// go backwards, chains have an end. Pure functions on bytes; transport, retries and the cache are in worker/offramp/.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/net/address.h"
#include "base/result.h"

namespace sluice::dns {

/// The wire values of RFC 1035 section 3.2.2 and RFC 3596.
enum class Type : std::uint16_t { kA = 1, kAaaa = 28 };

[[nodiscard]] std::string_view name(Type type);

/// More addresses than this in one answer are dropped: nobody tries so many, and the cache is bounded by it.
inline constexpr std::size_t kMaxAddresses = 32;
/// CNAMEs in a row; real chains have at most a handful.
inline constexpr int kMaxChain = 12;

struct AddressRecord {
  IpAddress ip;
  /// Seconds; the least of the record's own and of the CNAMEs that led to it.
  std::uint32_t ttl = 0;

  auto operator<=>(const AddressRecord&) const = default;
};

struct Answer {
  enum class Kind : std::uint8_t {
    kAddresses,  ///< at least one
    kNoData,     ///< the name exists, without records of the type
    kNoName,     ///< NXDOMAIN: nothing of any type exists at the name
  };
  Kind kind = Kind::kNoData;
  std::vector<AddressRecord> addresses;
  /// For kNoData and kNoName: how long to remember it, from the SOA in the authority section (RFC 2308 section 5);
  /// empty when the server sent none.
  std::optional<std::uint32_t> negative_ttl;
};

/// `host` is the name that was asked for, in text form (is_host_name()), in any case, with or without a closing dot.
/// Errors: kBadSyntax for a message that breaks the rules or answers something else; kDnsFailure for a server that
/// says that it failed (SERVFAIL, REFUSED, …).
[[nodiscard]] Result<Answer> parse_answer(std::span<const std::uint8_t> message, std::string_view host, Type type);

}  // namespace sluice::dns
