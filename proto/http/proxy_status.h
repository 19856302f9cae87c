// Proxy-Status (RFC 9209): what this hop says about an answer that it made itself, or had to give up on.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http {

/// One member of the list. Only `name` is needed; what is empty or 0 is left out.
struct ProxyStatus {
  std::string_view name;              ///< who we are: the pseudonym of Via
  std::string_view error;             ///< a type of section 2.3, a token
  std::string_view next_hop;          ///< section 2.1.2: the origin that was tried
  std::uint16_t received_status = 0;  ///< section 2.1.4: what the origin answered, when we answer something else
  std::string_view details;           ///< section 2.1.5: a sentence for people
};

/// The member as it stands in the field. Texts are cut to a length that a head can hold.
[[nodiscard]] std::string to_text(const ProxyStatus& status);

}  // namespace sluice::http
