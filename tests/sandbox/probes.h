// What a taken-over worker might try, each as one bare system call, so that the sandbox answers and no library does.
#pragma once
#include <span>
#include <string_view>

namespace sluice::probe {

/// Who refuses when seccomp is switched off.
enum class Answer : unsigned char { kOtherLayers, kSeccompOnly };

struct Probe {
  std::string_view name;
  int (*attempt)();  ///< 0 when it was allowed, errno otherwise
  Answer answer = Answer::kOtherLayers;
};
/// Everything the sandbox has to refuse.
[[nodiscard]] std::span<const Probe> forbidden();
/// What a proxy needs, and must still be possible.
[[nodiscard]] std::span<const Probe> needed();

}  // namespace sluice::probe
