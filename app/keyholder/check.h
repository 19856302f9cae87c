// What is wrong with a certificate and its key: for the supervisor, which reads neither, before it starts anything.
#pragma once
#include <string>
#include <string_view>

#include "base/fd.h"

namespace sluice::keyholder {

/// A sentence; empty when the key is that of the first certificate and both can be used.
[[nodiscard]] std::string fault_of(std::string_view certificates, const Fd& key);

/// `--check`: certificates on standard input, as a JSON array of texts; their keys in a Keys message on descriptor 3.
/// Prints an array of sentences. Returns the exit status.
[[nodiscard]] int check();

}  // namespace sluice::keyholder
