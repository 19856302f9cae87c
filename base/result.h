// Result<T>: a value or an Error. Everything that can be expected to fail (network, input, files, limits) returns one;
// what cannot happen is a SLUICE_CHECK (base/check.h). House code does not throw.
#pragma once
#include <expected>
#include <utility>

#include "base/error.h"

namespace sluice {

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(Code::kTooLarge, "request line");`
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string what = {}) {
  return std::unexpected<Error>(Error(code, std::move(what)));
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline std::unexpected<Error> fail_errno(int number, std::string_view call) {
  return std::unexpected<Error>(Error::from_errno(number, call));
}

}  // namespace sluice
