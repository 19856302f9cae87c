// Whether this build carries a sanitizer: its runtime needs a few system calls and much address space that the product
// does not, so limits and policies ask here. Never use it to skip a check.
#pragma once

namespace sluice {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace sluice
