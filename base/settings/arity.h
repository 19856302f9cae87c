// How many fields an aggregate has: the largest number of initialisers it takes. No macro, no library.
#pragma once
#include <cstddef>

namespace sluice::settings {

struct AnyField {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): being anything is the point; never defined
};

template <class T, class... Fields>
consteval std::size_t arity() {
  if constexpr (requires { T{Fields{}..., AnyField{}}; }) {
    return arity<T, Fields..., AnyField>();
  } else {
    return sizeof...(Fields);
  }
}

}  // namespace sluice::settings
